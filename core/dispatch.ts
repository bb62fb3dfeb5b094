/** One Lambda serves all HTTP routes of a context: picks the handler by API Gateway's route key. */
type Routed = { routeKey: string };
type Handler<E extends Routed> = (event: E, context: object) => Promise<unknown>;

/** @throws Error for a route key that is not listed: the template and the bundle disagree */
export const dispatch =
  <E extends Routed>(handlers: Record<string, Handler<E>>): Handler<E> =>
  async (event, context) => {
    const handler = Object.hasOwn(handlers, event.routeKey) ? handlers[event.routeKey] : undefined;
    if (!handler) throw new Error(`no handler for ${event.routeKey}`);
    return handler(event, context);
  };
