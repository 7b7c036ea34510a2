// What a client sees goes to standard output, one JSON object a line. Orders
// come from standard input in the same form; when that ends, so does the bot.
import { createInterface } from 'node:readline';

export const [url, options] = [process.argv[2], JSON.parse(process.argv[3] ?? '{}')];

export const write = (entry) => process.stdout.write(JSON.stringify(entry) + '\n');

export const ready = () => write({ ready: true });
export const guild = (id) => write({ guild: id });
export const message = (content) => write({ message: content });
export const chunk = (count, members) => write({ chunk: { count, members } });
export const problem = (error) => write({ problem: String(error?.stack ?? error) });

process.on('uncaughtException', problem);
process.on('unhandledRejection', problem);

// obey carries out orders, by their names. Each gets a guild, and the order itself.
export function obey(orders) {
	const lines = createInterface({ input: process.stdin });
	lines.on('line', async (line) => {
		const { order, guild, ...details } = JSON.parse(line);
		try {
			await orders[order](guild, details);
		} catch (error) {
			problem(error);
		}
		write({ done: order });
	});
	lines.on('close', () => process.exit());
}

// Intents: guilds, their members, their messages, and what these say.
export const intents = (1 << 0) | (1 << 1) | (1 << 9) | (1 << 15);
