/** The template with its questions: what there is of a type, what a value points to. */
import { StartError } from '../errors.ts';
import { references } from './intrinsics.ts';
import { notNeeded, schemas } from './resources.ts';
import type { Resource, Template } from './template.ts';

export const mappingType = 'AWS::Lambda::EventSourceMapping';
type Types = typeof schemas;
type Parsed<T extends keyof Types> = ReturnType<Types[T]['parse']>;
type Schema<T> = { safeParse: (value: unknown) => { success: true; data: T } | { success: false; error: Failure } };
type Failure = { issues: { code: string; path: PropertyKey[]; message: string; keys?: string[] }[] };

/** The template with its questions: what there is of a type, what a value points to. */
export type Reader = {
  all: <T extends keyof Types>(type: T) => [id: string, properties: Parsed<T>][];
  parse: <T>(schema: Schema<T>, id: string) => T;
  /** The one resource of these types that a value points to. */
  target: (id: string, value: unknown, ...types: string[]) => string;
  typeOf: (id: string) => string;
  raw: (type: string) => [id: string, Resource][];
};

const isKnown = (type: string): type is keyof Types => Object.hasOwn(schemas, type);

/** One sentence for a property that is unknown or has a value that cannot be honoured. */
const sentence = (id: string, type: string, { issues }: Failure): string => {
  const issue = issues[0];
  const path = [...(issue?.path ?? []), ...(issue?.keys?.slice(0, 1) ?? [])].join('.');
  const rule =
    issue?.code === 'unrecognized_keys' ? 'is not known to local/' : `${issue?.message ?? 'is not understood'}`;
  return `${id} (${type}): ${path}: ${rule}; teach it to local/template/resources.ts or take it out of infra/`;
};

/** @throws StartError for a type that is neither interpreted nor known to mean nothing here */
export const createReader = ({ Resources }: Template): Reader => {
  for (const [id, { Type }] of Object.entries(Resources)) {
    if (!isKnown(Type) && !notNeeded.has(Type) && Type !== mappingType)
      throw new StartError(`${id}: local/ does not know the type ${Type}; teach it to local/template/resources.ts`);
  }

  const resource = (id: string): Resource => {
    const found = Resources[id];
    if (!found) throw new StartError(`the template points to ${id}, which it does not contain`);
    return found;
  };
  const parse = <T>(schema: Schema<T>, id: string): T => {
    const { Tags: _tags, ...properties } = resource(id).Properties;
    const result = schema.safeParse(properties);
    if (!result.success) throw new StartError(sentence(id, resource(id).Type, result.error));
    return result.data;
  };
  const raw = (type: string): [string, Resource][] => Object.entries(Resources).filter(([, { Type }]) => Type === type);
  return {
    parse,
    raw,
    typeOf: (id) => resource(id).Type,
    // The cast says what the lookup does: the schema of a type makes the parsed properties of that type.
    all: <T extends keyof Types>(type: T) =>
      raw(type).map(([id]) => [id, parse(schemas[type] as Schema<Parsed<T>>, id)]),
    target: (id, value, ...types) => {
      const found = references(value).filter((other) => types.includes(Resources[other]?.Type ?? ''));
      const [only] = found;
      if (only === undefined || found.length > 1)
        throw new StartError(`${id} (${resource(id).Type}) must point to one ${types.join(' or ')}`);
      return only;
    },
  };
};
