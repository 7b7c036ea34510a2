// Voice clients of discord.js without their sockets: they are told what the
// voice server sends, and answer with what they send. One order a line comes
// from standard input, one answer a line goes to standard output. Bytes are in
// base64. An exception that would have ended the process is an error.
import { EventEmitter } from 'node:events';
import { createInterface } from 'node:readline';
import { Networking, NetworkingStatusCode } from '@discordjs/voice';
import davey from '@snazzah/davey';

const encode = (bytes) => bytes?.toString('base64');
const decode = (text) => Buffer.from(text ?? '', 'base64');

class Client extends Networking {
	sent = [];

	constructor(user, channel) {
		super({ endpoint: 'nowhere', userId: user, channelId: channel }, { debug: false, daveEncryption: true });
		this.state = { ...this.state, code: NetworkingStatusCode.SelectingProtocol, connectionData: { connectedClients: new Set() } };
	}

	createWebSocket() {
		return Object.assign(new EventEmitter(), {
			sendPacket: ({ op, d }) => this.sent.push({ op, data: encode(Buffer.from(JSON.stringify(d))) }),
			sendBinaryMessage: (op, payload) => this.sent.push({ op, data: encode(payload) }),
			destroy() {},
		});
	}

	get dave() {
		return this.state.dave;
	}
}

const clients = new Map();

const orders = {
	reset: () => clients.clear(),
	join: ({ user, channel }) => void clients.set(user, new Client(user, channel)),
	leave: ({ user }) => {
		clients.get(user).destroy();
		clients.delete(user);
	},
	receive: ({ user, op, binary, data }) => {
		const client = clients.get(user);
		if (binary) client.onWsBinary({ op, payload: decode(data) });
		else client.onWsPacket({ op, d: JSON.parse(decode(data)) });
		return { messages: client.sent.splice(0), lost: client.dave?.reinitializing };
	},
	standing: ({ user }) => {
		const { protocolVersion, session } = clients.get(user).dave;
		return {
			version: protocolVersion,
			epoch: Number(session?.epoch ?? 0),
			members: session?.getUserIds() ?? [],
			code: session?.voicePrivacyCode,
			authenticator: encode(session?.getEpochAuthenticator()),
		};
	},
	// As the client does it, which takes what it cannot decrypt for silence.
	encrypt: ({ user, data }) => ({ data: encode(clients.get(user).dave.encrypt(decode(data))) }),
	decrypt: ({ user, from, data }) => {
		const frame = clients.get(user).dave.decrypt(decode(data), from);
		if (!frame) throw new Error('dropped');
		return { data: encode(frame) };
	},
	// As davey does it.
	seal: ({ user, codec, data }) => ({ data: encode(clients.get(user).dave.session.encrypt(media(codec), codec, decode(data))) }),
	open: ({ user, codec, from, data }) => ({ data: encode(clients.get(user).dave.session.decrypt(from, media(codec), decode(data))) }),
	verify: async ({ user, from }) => {
		const { session } = clients.get(user).dave;
		return { data: encode(await session.getPairwiseFingerprint(0, from)), code: await session.getVerificationCode(from) };
	},
};

const media = (codec) => (codec === davey.Codec.OPUS ? davey.MediaType.AUDIO : davey.MediaType.VIDEO);

for await (const line of createInterface({ input: process.stdin })) {
	const order = JSON.parse(line);
	let answer;
	try {
		answer = (await orders[order.order](order)) ?? {};
	} catch (error) {
		answer = { error: String(error) };
	}
	process.stdout.write(JSON.stringify(answer) + '\n');
}
