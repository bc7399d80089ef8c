// A worker: finds the numbers of a proof of work (utils/challenges.py). Imports nothing, as its own Content
// Security Policy allows nothing. SHA-256 is FIPS 180-4; crypto.subtle is slower for many short messages.

const PRIMES = [];
for (let n = 2; PRIMES.length < 64; n++) if (PRIMES.every((prime) => n % prime)) PRIMES.push(n);
const fraction = (number) => ((number % 1) * 2 ** 32) | 0;
const K = Int32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const START = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const w = new Int32Array(64);

/** Add the block in `w[0..15]` to a digest: `state` becomes that of `from` and the block. Changes `w`. */
function compress(state, from) {
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
  let a = from[0];
  let b = from[1];
  let c = from[2];
  let d = from[3];
  let e = from[4];
  let f = from[5];
  let g = from[6];
  let h = from[7];
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + (g ^ (e & (f ^ g))) + K[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (c & (a ^ b)))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] = from[0] + a;
  state[1] = from[1] + b;
  state[2] = from[2] + c;
  state[3] = from[3] + d;
  state[4] = from[4] + e;
  state[5] = from[5] + f;
  state[6] = from[6] + g;
  state[7] = from[7] + h;
}

/** Return SHA-256 of 64 ASCII characters, as eight words. */
function digestOf(token) {
  for (let i = 0; i < 16; i++) {
    w[i] = [0, 1, 2, 3].reduce((word, at) => (word << 8) | token.charCodeAt(4 * i + at), 0);
  }
  const state = new Int32Array(8);
  compress(state, START);
  w.fill(0);
  w[0] = 0x80000000;
  w[15] = 64 * 8;
  compress(state, state);
  return state;
}

/** Return the smallest number whose digest begins with so many zero bits. */
function solution(seed, puzzle, bits) {
  const state = new Int32Array(8);
  for (let number = 0; ; number++) {
    w.set(seed);
    w[8] = puzzle;
    w[9] = number;
    w[10] = 0x80000000;
    w.fill(0, 11, 15);
    w[15] = 40 * 8;
    compress(state, START);
    if (state[0] >>> (32 - bits) === 0) return number;
  }
}

addEventListener("message", ({ data: { token, puzzles, bits } }) => {
  const seed = digestOf(token);
  const numbers = Array.from({ length: puzzles }, (_, puzzle) => solution(seed, puzzle, bits).toString(16));
  postMessage(numbers.join("-"));
});
