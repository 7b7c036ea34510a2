// A bot on @discordjs/ws, the gateway half of discord.js.
import { REST } from '@discordjs/rest';
import { CompressionMethod, WebSocketManager, WebSocketShardEvents } from '@discordjs/ws';
import * as diary from './diary.mjs';

const manager = new WebSocketManager({
	token: 'token',
	intents: diary.intents,
	rest: new REST({ api: `${diary.url}/api`, version: '10' }).setToken('token'),
	compression: diary.options.compress === 'zlib-stream' ? CompressionMethod.ZlibNative : null,
	useIdentifyCompression: diary.options.compress === 'payload',
});

const see = {
	READY: () => diary.ready(),
	GUILD_CREATE: (d) => diary.guild(d.id),
	MESSAGE_CREATE: (d) => diary.message(d.content),
	GUILD_MEMBERS_CHUNK: (d) => diary.chunk(d.chunk_count, d.members.length),
};
manager.on(WebSocketShardEvents.Dispatch, ({ t, d }) => see[t]?.(d));
manager.on(WebSocketShardEvents.Error, diary.problem);

diary.obey({
	open: () => manager.connect(),
	requestMembers: (id) => manager.send(0, { op: 8, d: { guild_id: id, query: '', limit: 0 } }),
	idle: () => manager.send(0, { op: 3, d: { since: null, activities: [], status: 'idle', afk: false } }),
	close: () => manager.destroy(),
});
