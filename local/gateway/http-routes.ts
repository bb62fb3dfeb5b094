/** Which route of the HTTP API a request belongs to: 'PUT /v1/reactions/{userId}' and the values of its parameters. */
import type { HttpRoute } from '../model.ts';

export type Match = { route: HttpRoute; parameters: Record<string, string> };

type Pattern = { route: HttpRoute; method: string; segments: string[] };

const parameterOf = (segment: string): string | undefined => /^\{([^+}]+)\}$/.exec(segment)?.[1];

const toPattern = (route: HttpRoute): Pattern => {
  const [method = '', path = ''] = route.routeKey.split(' ');
  return { route, method, segments: path.split('/') };
};

/** Literal segments before parameters, from the left: API Gateway takes the most specific route. */
const specificity = ({ segments }: Pattern): string =>
  segments.map((segment) => (parameterOf(segment) === undefined ? '0' : '1')).join('');

const fits = (pattern: Pattern, method: string, segments: string[]): boolean =>
  (pattern.method === method || pattern.method === 'ANY') &&
  pattern.segments.length === segments.length &&
  pattern.segments.every((wanted, index) =>
    parameterOf(wanted) === undefined ? wanted === segments[index] : segments[index] !== '',
  );

const decode = (pattern: Pattern, segments: string[]): Record<string, string> => {
  const pairs = pattern.segments.flatMap((wanted, index) => {
    const name = parameterOf(wanted);
    return name === undefined ? [] : [[name, decodeURIComponent(segments[index] ?? '')]];
  });
  return Object.fromEntries(pairs);
};

/**
 * Compiles the routes once.
 * @returns a matcher: the route with its decoded parameters, 'unknown', or 'undecodable' for a broken percent escape
 */
export const createMatcher = (
  routes: HttpRoute[],
): ((method: string, path: string) => Match | 'unknown' | 'undecodable') => {
  const patterns = routes.map(toPattern).sort((a, b) => specificity(a).localeCompare(specificity(b)));
  return (method, path) => {
    const segments = path.split('/');
    try {
      segments.forEach(decodeURIComponent);
    } catch {
      return 'undecodable';
    }
    const pattern = patterns.find((candidate) => fits(candidate, method, segments));
    return pattern ? { route: pattern.route, parameters: decode(pattern, segments) } : 'unknown';
  };
};
