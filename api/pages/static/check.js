"use strict";
// Checks in the reader's own browser that a fact stands in the signed log: C2SP tlog-proof, signed-note, RFC 9162.
// The page is whole without it. It asks this server alone, and says what it found, step by step, in the page's words.

const utf8 = new TextEncoder();
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(parts)));
const ofBase64 = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
const ofHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (one) => parseInt(one, 16));
const hex = (bytes) => Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
const same = (one, other) => hex(one) === hex(other);

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
  parts.reduce((at, one) => (whole.set(one, at), at + one.length), 0);
  return whole;
}

class Failed extends Error {}
class Unable extends Error {}

function holds(true_, what) {
  if (!true_) throw new Failed(what);
}

async function fetched(address, accept) {
  const answer = await fetch(address, { headers: { Accept: accept }, cache: "no-store" });
  if (!answer.ok) throw new Unable(`${address}: ${answer.status}`);
  return answer;
}

// Root of the log of `size` leaves that a leaf's hash and its proof lead to (RFC 9162, 2.1.3.2).
async function climbed(leaf, index, size, hashes) {
  let [hash, at, last] = [leaf, BigInt(index), BigInt(size) - 1n];
  holds(at >= 0n && at <= last, "index");
  for (const one of hashes) {
    holds(last > 0n, "proof");
    const left = at % 2n === 1n || at === last;
    hash = left ? await sha256([1], one, hash) : await sha256([1], hash, one);
    while (left && at > 0n && at % 2n === 0n) [at, last] = [at >> 1n, last >> 1n];
    [at, last] = [at >> 1n, last >> 1n];
  }
  holds(last === 0n, "proof");
  return hash;
}

// The text of a note, and what the key of this name and id signed it with.
function parsed(note, name, id) {
  const end = note.lastIndexOf("\n\n");
  holds(end > 0 && note.endsWith("\n"), "note");
  const mark = `\u2014 ${name} `;
  const own = note.slice(end + 2, -1).split("\n").filter((line) => line.startsWith(mark));
  const made = own.map((line) => ofBase64(line.slice(mark.length))).filter((one) => same(one.slice(0, 4), id));
  holds(made.length === 1, "signature");
  return [note.slice(0, end + 1), made[0].slice(4)];
}

async function check(position, vkey, log, say) {
  const [, name, id, key] = vkey.match(/^(.+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/) ?? [];
  const told = ofBase64(key ?? "");
  holds(name === log && told[0] === 1 && told.length === 33, "key");
  holds(same((await sha256(utf8.encode(`${name}\n`), told)).slice(0, 4), ofHex(id)), "key");

  const [leaf, proof] = await Promise.all([
    fetched(`/v1/events/${position}/leaf`, "application/json").then((one) => one.arrayBuffer()),
    fetched(`/v1/events/${position}/proof`, "application/json").then((one) => one.json()),
  ]);
  const hash = await sha256([0], new Uint8Array(leaf));
  holds(proof.index === position - 1 && same(hash, ofHex(proof.leafHash)), "leaf");
  say("leaf", hex(hash));

  const [text, signature] = parsed(proof.checkpoint, name, ofHex(id));
  const [origin, size, root] = text.split("\n");
  holds(origin === log && /^[1-9][0-9]{0,15}$/.test(size), "note");
  holds(same(await climbed(hash, proof.index, size, proof.hashes.map(ofHex)), ofBase64(root)), "proof");
  say("included", size);

  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", told.slice(1), "Ed25519", false, ["verify"]);
  } catch {
    throw new Unable("Ed25519");
  }
  holds(await crypto.subtle.verify("Ed25519", imported, signature, utf8.encode(text)), "signature");
  say("signed", hex(await sha256(utf8.encode(vkey))));
}

for (const place of document.querySelectorAll("[data-check]")) {
  const found = place.querySelector("[role=status]");
  const say = (key, value) => {
    const line = document.createElement("p");
    line.dataset.said = key;
    line.textContent = place.querySelector(`[data-says=${key}]`).content.textContent.replace("{}", value);
    found.append(line);
  };
  place.hidden = false;
  place.querySelector("button").addEventListener("click", async () => {
    found.replaceChildren();
    try {
      if (!globalThis.crypto?.subtle) throw new Unable("https");
      await check(Number(place.dataset.check), place.dataset.vkey, place.dataset.log, say);
    } catch (error) {
      say(error instanceof Failed ? "failed" : "unable", error.message);
    }
  });
}
