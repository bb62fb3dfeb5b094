/** Runs the template's schedules, by the wall clock: a rate goes on counting while nothing runs. */
import { randomUUID } from 'node:crypto';
import type { Model, ScheduleModel } from '../model.ts';
import { account, region } from '../template/interpret.ts';
import type { Checkpoints } from './checkpoints.ts';

type Options = {
  model: Pick<Model, 'schedules'>;
  checkpoints: Checkpoints;
  invoke: (functionId: string, event: object) => Promise<unknown>;
  onFailure: (schedule: ScheduleModel, error: unknown) => void;
};

/** Longer timers overflow. */
const maxTimerMilliseconds = 2 ** 31 - 1;

/** What EventBridge Scheduler sends when no input is given. */
const eventOf = ({ id }: ScheduleModel, now: Date): object => ({
  version: '0',
  id: randomUUID(),
  'detail-type': 'Scheduled Event',
  source: 'aws.scheduler',
  account,
  time: now.toISOString().replace(/\.\d{3}Z$/, 'Z'),
  region,
  resources: [`arn:aws:scheduler:${region}:${account}:schedule/default/${id}`],
  detail: '{}',
});

/** @returns how to stop */
export const startSchedules = ({ model, checkpoints, invoke, onFailure }: Options): (() => void) => {
  const timers = new Map<string, NodeJS.Timeout>();
  let stopping = false;

  const plan = (schedule: ScheduleModel): void => {
    if (stopping) return;
    const key = `schedule ${schedule.id}`;
    if (!checkpoints.get(key)) checkpoints.set(key, new Date().toISOString());
    const due = Date.parse(checkpoints.get(key) ?? '') + schedule.everySeconds * 1000;
    const run = async (): Promise<void> => {
      if (due <= Date.now()) {
        checkpoints.set(key, new Date().toISOString());
        await invoke(schedule.functionId, eventOf(schedule, new Date())).catch((error) => onFailure(schedule, error));
      }
      plan(schedule);
    };
    timers.set(
      schedule.id,
      setTimeout(() => void run(), Math.min(maxTimerMilliseconds, Math.max(0, due - Date.now()))),
    );
  };
  for (const schedule of model.schedules) plan(schedule);
  return () => {
    stopping = true;
    for (const timer of timers.values()) clearTimeout(timer);
  };
};
