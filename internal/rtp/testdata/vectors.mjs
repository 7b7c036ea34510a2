// Writes vectors.json to the standard output, see README.md.
import { createCipheriv, createHash } from 'node:crypto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';

const bytes = (label, length) => {
  const out = [];
  for (let i = 0; out.length < length; i++) out.push(...createHash('sha256').update(`${label}/${i}`).digest());
  return Buffer.from(out.slice(0, length));
};
const words = (...values) => {
  const b = Buffer.alloc(4 * values.length);
  values.forEach((v, i) => b.writeUInt32BE(v, 4 * i));
  return b;
};

const ciphers = {
  aead_aes256_gcm_rtpsize(key, suffix, clear, body) {
    const cipher = createCipheriv('aes-256-gcm', key, Buffer.concat([suffix, Buffer.alloc(8)]));
    cipher.setAAD(clear);
    return Buffer.concat([cipher.update(body), cipher.final(), cipher.getAuthTag()]);
  },
  aead_xchacha20_poly1305_rtpsize(key, suffix, clear, body) {
    return Buffer.from(xchacha20poly1305(key, Buffer.concat([suffix, Buffer.alloc(20)]), clear).encrypt(body));
  },
};

const cases = [
  { name: 'opus', payload: 160 },
  { name: 'silence', payload: 'f8fffe' },
  { name: 'empty payload' },
  { name: 'longest payload', payload: 1275, nonce: 0xffffffff },
  { name: 'marker', payload: 80, marker: true },
  { name: 'one source', payload: 80, csrc: [0x01020304] },
  { name: 'fifteen sources', payload: 80, csrc: Array.from({ length: 15 }, (_, i) => 0xf0000000 + i) },
  { name: 'extension', payload: 80, profile: 0xbede, words: 2 },
  { name: 'extension without body', payload: 80, profile: 0xbede, words: 0 },
  { name: 'two-byte extension', payload: 80, profile: 0x1000, words: 3 },
  { name: 'extension and sources', payload: 80, profile: 0xbede, words: 1, csrc: [1, 2, 3] },
  { name: 'extension and marker', payload: 80, profile: 0xbede, words: 1, marker: true },
  { name: 'padding', payload: 80, padding: 12 },
  { name: 'padding of one', payload: 80, padding: 1 },
  { name: 'mere padding', padding: 255, sequence: 65535, timestamp: 0xffffffff, ssrc: 0xffffffff },
  { name: 'everything', payload: 80, marker: true, csrc: [7, 8], profile: 0xbede, words: 4, padding: 4, type: 111, nonce: 0x01020304 },
];

const vectors = [];
for (const [mode, encrypt] of Object.entries(ciphers)) {
  for (const [i, c] of cases.entries()) {
    const name = `${mode}/${c.name}`;
    const { csrc = [], padding = 0, marker = false, type = 120, nonce = i, sequence = 1000 + i, timestamp = 960 * i, ssrc = 0xcafe } = c;
    const payload = typeof c.payload === 'string' ? Buffer.from(c.payload, 'hex') : bytes(`${name}/payload`, c.payload ?? 0);
    const extension = c.words === undefined ? null : bytes(`${name}/extension`, 4 * c.words);
    const pad = Buffer.alloc(padding);
    if (padding) pad[padding - 1] = padding;

    const fixed = Buffer.alloc(12);
    fixed[0] = 0b10_0_0_0000 | (padding ? 0b1_0_0000 : 0) | (extension ? 0b1_0000 : 0) | csrc.length;
    fixed[1] = (marker ? 0b1000_0000 : 0) | type;
    fixed.writeUInt16BE(sequence, 2);
    fixed.writeUInt32BE(timestamp, 4);
    fixed.writeUInt32BE(ssrc, 8);
    const preamble = extension ? words(c.profile * 0x10000 + c.words) : Buffer.alloc(0);
    const clear = Buffer.concat([fixed, words(...csrc), preamble]);

    const key = bytes(`${name}/key`, 32);
    const suffix = words(nonce);
    const body = Buffer.concat([extension ?? Buffer.alloc(0), payload, pad]);
    vectors.push({
      name, mode, key: key.toString('hex'), nonce,
      marker, type, sequence, timestamp, ssrc, csrc, padding,
      extension: extension && { profile: c.profile, body: extension.toString('hex') },
      payload: payload.toString('hex'),
      plain: Buffer.concat([clear, body]).toString('hex'),
      sealed: Buffer.concat([clear, encrypt(key, suffix, clear, body), suffix]).toString('hex'),
    });
  }
}
console.log(JSON.stringify(vectors, null, 1));
