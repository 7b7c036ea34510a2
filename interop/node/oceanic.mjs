// A bot on Oceanic, which speaks ETF if it finds erlpack.
import { createRequire } from 'node:module';
import * as diary from './diary.mjs';

const require = createRequire(import.meta.url);
if (diary.options.encoding !== 'etf') hide('erlpack');
const { Client } = require('oceanic.js');

const client = new Client({
	auth: 'Bot token',
	rest: { baseURL: `${diary.url}/api/v10` },
	gateway: { intents: diary.intents, compress: diary.options.compress },
});

client.on('packet', ({ t }) => {
	if (t === 'READY') diary.ready();
});
client.on('ready', () => client.guilds.forEach((guild) => diary.guild(guild.id)));
client.on('messageCreate', (message) => diary.message(message.content));
client.on('error', (error) => {
	if (error.code !== 1006) diary.problem(error); // which is a cut
});

diary.obey({
	open: () => client.connect(),
	requestMembers: async (id) => {
		const members = await client.shards.get(0).requestGuildMembers(id);
		diary.chunk(1, members.length);
	},
	idle: () => client.editStatus('idle'),
	close: () => client.disconnect(false),
});

// hide makes a module look as if it were not installed.
function hide(name) {
	try {
		const file = require.resolve(name);
		require.cache[file] = { id: file, filename: file, loaded: true, exports: null };
	} catch {
		// It is not.
	}
}
