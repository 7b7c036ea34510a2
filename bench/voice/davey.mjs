// A member on davey. One order a line comes from standard input, one answer a
// line goes to standard output; bytes are in base64. Times are nanoseconds of
// the call into davey alone.
import { createInterface } from 'node:readline';
import davey from '@snazzah/davey';

const decode = (text) => Buffer.from(text, 'base64');
let session, users;

const timed = (f) => {
	const began = process.hrtime.bigint();
	const result = f();
	return { Time: Number(process.hrtime.bigint() - began), result };
};

const orders = {
	new: ({ User, Channel, Users, Data }) => {
		users = Users;
		session = new davey.DAVESession(1, User, Channel);
		session.setExternalSender(decode(Data));
		return { Data: session.getSerializedKeyPackage().toString('base64') };
	},
	join: ({ Data }) => {
		const welcome = decode(Data);
		return timed(() => session.processWelcome(welcome));
	},
	propose: ({ Data }) => {
		const proposals = decode(Data);
		const { Time, result } = timed(() => session.processProposals(proposals[0], proposals.subarray(1), users));
		if (!result?.commit) throw new Error('no commit');
		return { Time };
	},
	follow: ({ Data }) => {
		const commit = decode(Data);
		return timed(() => session.processCommit(commit));
	},
	code: () => ({ Code: session.voicePrivacyCode }),
};

for await (const line of createInterface({ input: process.stdin })) {
	const order = JSON.parse(line);
	let answer;
	try {
		answer = orders[order.Order](order);
		delete answer.result;
	} catch (error) {
		answer = { Error: String(error) };
	}
	process.stdout.write(JSON.stringify(answer) + '\n');
}
