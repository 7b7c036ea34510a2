// A bot on discord.js that talks: it joins a voice channel, says what it is
// told to, and writes down what it hears.
import { once } from 'node:events';
import { Readable } from 'node:stream';
import {
	AudioPlayerStatus, EndBehaviorType, NoSubscriberBehavior, StreamType, VoiceConnectionStatus,
	createAudioPlayer, createAudioResource, entersState, joinVoiceChannel,
} from '@discordjs/voice';
import { Client, Events, GatewayIntentBits } from 'discord.js';
import * as diary from './diary.mjs';

const patience = 30_000;

const client = new Client({
	intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildVoiceStates],
	rest: { api: `${diary.url}/api` },
});
client.on(Events.Error, diary.problem);
client.on(Events.Warn, diary.problem);

const player = createAudioPlayer({ behaviors: { noSubscriber: NoSubscriberBehavior.Play } });
player.on('error', diary.problem);

let connection;

diary.obey({
	open: async () => {
		const ready = once(client, Events.ClientReady);
		await client.login(diary.options.token);
		await ready;
	},
	join: async (guildId, { channel }) => {
		connection = joinVoiceChannel({
			guildId, channelId: channel, selfDeaf: false, debug: true,
			daveEncryption: diary.options.encrypted,
			adapterCreator: client.guilds.cache.get(guildId).voiceAdapterCreator,
		});
		connection.on('error', diary.problem);
		connection.on('debug', (m) => process.stderr.write(m + '\n'));
		connection.subscribe(player);
		await entersState(connection, VoiceConnectionStatus.Ready, patience);
	},
	// ready waits until the connection is one to a server, and encrypted as the others' are.
	ready: async (_, { code }) => {
		await entersState(connection, VoiceConnectionStatus.Ready, patience);
		for (let waited = 0; (connection.voicePrivacyCode ?? '') !== code; waited += 10) {
			if (waited > patience) throw new Error(`the privacy code is ${connection.voicePrivacyCode}, not ${code}`);
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
	},
	listen: (_, { user }) => {
		const stream = connection.receiver.subscribe(user, { end: { behavior: EndBehaviorType.Manual } });
		stream.on('data', (opus) => diary.write({ heard: opus.toString('base64') }));
		stream.on('error', diary.problem);
	},
	say: async (_, { frames }) => {
		const opus = frames.map((frame) => Buffer.from(frame, 'base64'));
		player.play(createAudioResource(Readable.from(opus), { inputType: StreamType.Opus }));
		await entersState(player, AudioPlayerStatus.Idle, patience);
	},
	leave: () => connection.destroy(),
	close: () => client.destroy(),
});
