// Runs steps that are asked for, one line each: ["name", argument]. Answers a value or an error.
import { createInterface } from "node:readline";

export async function run(steps) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [name, argument] = JSON.parse(line);
    let answer;
    try {
      answer = { value: (await steps[name](argument)) ?? null };
    } catch (error) {
      const { message, code, error: oauth, status, cause } = error;
      answer = { error: { message, code, error: oauth, status, cause: String(cause ?? "") } };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
}
