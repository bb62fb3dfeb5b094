/** SQS: at least once, in any order, again after a failure, and to the dead letters in the end. */
import type { QueueMapping } from '../../local/model.ts';
import { failedItems } from '../../local/triggers/partial.ts';
import type { Faults } from './faults.ts';
import type { Functions } from './functions.ts';
import type { Dice } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Loaded } from './template.ts';

type Message = { id: string; body: string; receives: number };
export type Queues = {
  send: (url: string, body: string, delaySeconds: number) => void;
  /** Bodies that were given up. */
  dead: string[];
};
type Needs = {
  loaded: Loaded;
  scheduler: Scheduler;
  dice: Dice;
  faults: Faults;
  functions: Functions;
  trace: (line: string) => void;
};

const BATCH = 4;
const AGAIN_MS = 30_000;

const tenantsOf = (messages: Message[]): ReadonlySet<string> =>
  new Set(messages.map(({ body }) => String(JSON.parse(body).tenant)));

const createQueue = ({ loaded, scheduler, dice, faults, functions }: Needs, mapping: QueueMapping, dead: string[]) => {
  const visible: Message[] = [];
  const queue = loaded.model.queues[mapping.queueId];
  let pumping = false;
  const arrive = (message: Message, delayMs: number): void =>
    scheduler.after(delayMs, {
      what: `${message.id} becomes visible`,
      run: () => {
        visible.push(message);
        pump();
      },
    });
  const fail = (message: Message): void => {
    if (queue?.deadLetters && message.receives >= queue.deadLetters.maxReceives) dead.push(message.body);
    else arrive(message, (queue?.visibilitySeconds ?? 30) * 1000);
  };
  const work = async (messages: Message[]): Promise<void> => {
    const ids = messages.map(({ id }) => id);
    const event = { Records: messages.map(({ id, body }) => ({ messageId: id, body })) };
    const name = `queue ${ids.join(' ')} ×${messages[0]?.receives}`;
    const ended = await functions.spawn(mapping.functionId, event, { name, tenants: tenantsOf(messages) });
    const failed = ended.how === 'answered' ? failedItems(ended.result, ids) : 'all';
    for (const message of messages) {
      if (failed === 'all' || failed.includes(message.id)) fail(message);
      else if (faults.decide(`${name} done ${message.id}`, ['redelivered'])) arrive(message, dice.below(AGAIN_MS));
    }
  };
  const pump = (): void => {
    if (pumping) return;
    pumping = true;
    scheduler.soon({
      what: `${mapping.queueId} is looked at`,
      run: () => {
        pumping = false;
        const batch = dice.shuffled(visible.splice(0)).map((message) => message);
        const taken = batch.slice(0, 1 + dice.below(BATCH));
        visible.push(...batch.slice(taken.length));
        for (const message of taken) message.receives++;
        if (taken.length > 0) void work(taken);
        if (visible.length > 0) pump();
      },
    });
  };
  return arrive;
};

export const createQueues = (needs: Needs): Queues => {
  const dead: string[] = [];
  const { model } = needs.loaded;
  const queues = model.consumers.map((mapping) => ({ mapping, arrive: createQueue(needs, mapping, dead) }));
  let sent = 0;
  return {
    dead,
    send: (url, body, delaySeconds) => {
      const found = queues.find(({ mapping }) => url.endsWith(`/${mapping.queueId}`));
      if (!found) throw new Error(`no queue ${url}`);
      found.arrive({ id: `${found.mapping.queueId}-${++sent}`, body, receives: 0 }, delaySeconds * 1000);
    },
  };
};
