// An account page that shows nothing of the account.

import { failed, loadMe } from "./account.js";

async function start() {
  const answer = await loadMe();
  if (!answer.ok) failed(answer, start);
}

await start();
