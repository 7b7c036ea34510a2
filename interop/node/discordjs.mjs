// A bot on discord.js, with its caches.
import { Client, Events } from 'discord.js';
import * as diary from './diary.mjs';

const client = new Client({ intents: diary.intents, rest: { api: `${diary.url}/api` } });

client.on(Events.Raw, ({ t }) => {
	if (t === 'READY') diary.ready();
});
client.on(Events.ClientReady, () => client.guilds.cache.forEach((guild) => diary.guild(guild.id)));
client.on(Events.MessageCreate, (message) => diary.message(message.content));
client.on(Events.Error, diary.problem);
client.on(Events.Warn, diary.problem);

diary.obey({
	open: () => client.login('token'),
	requestMembers: async (id) => {
		const members = await client.guilds.cache.get(id).members.fetch();
		diary.chunk(1, members.size);
	},
	idle: () => client.user.setPresence({ status: 'idle' }),
	close: () => client.destroy(),
});
