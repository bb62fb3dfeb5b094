/** Development routes: what the phones got and show, and the faults that the local APNs and FCM are asked for. */
import type { DevAnswer, DevRoutes } from '../gateway/gateway.ts';
import { type Faults, parseFault } from './faults.ts';
import type { Providers } from './providers.ts';
import { screensOf } from './screens.ts';

const parseJson = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

const refuse = (reason: { detail: string; known?: string[] }): DevAnswer => ({
  status: 400,
  body: { type: 'about:blank', title: 'Bad Request', status: 400, ...reason },
});

const listFaults = (faults: Faults): DevAnswer => ({ status: 200, body: { faults: faults.list() } });

const addFault = (faults: Faults, body: string): DevAnswer => {
  const fault = parseFault(parseJson(body));
  if ('detail' in fault) return refuse(fault);
  faults.add(fault);
  return listFaults(faults);
};

export const pushRoutes = ({ pushes, clear, faults }: Providers): DevRoutes => ({
  'GET /dev/pushes': ({ query }) => {
    const list = pushes(query.get('token') ?? undefined);
    return { status: 200, body: { pushes: list, phones: screensOf(list) } };
  },
  'DELETE /dev/pushes': () => {
    clear();
    return { status: 200, body: { pushes: [], phones: [] } };
  },
  'GET /dev/push-faults': () => listFaults(faults),
  'POST /dev/push-faults': ({ body }) => addFault(faults, body),
  'DELETE /dev/push-faults': () => {
    faults.clear();
    return listFaults(faults);
  },
});
