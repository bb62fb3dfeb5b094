/** CloudFormation's intrinsic functions, as far as the template uses them: Ref, Fn::GetAtt, Fn::Join and Fn::Sub. */
import { StartError } from '../errors.ts';

/** What a reference to a resource, a parameter or a pseudo parameter stands for. */
export type Names = {
  ref: (id: string) => string;
  attribute: (id: string, name: string) => string;
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The one key of `{ "Fn::X": … }` or `{ "Ref": … }`; undefined for plain data. */
const intrinsicOf = (value: Record<string, unknown>): string | undefined => {
  const [key, ...others] = Object.keys(value);
  return key !== undefined && others.length === 0 && (key === 'Ref' || key.startsWith('Fn::')) ? key : undefined;
};

const refuse = (what: string): never => {
  throw new StartError(`local cannot evaluate ${what} in the template: teach it to local/template/intrinsics.ts`);
};

const text = (value: unknown, names: Names): string => {
  const resolved = resolve(value, names);
  return typeof resolved === 'string' || typeof resolved === 'number'
    ? String(resolved)
    : refuse(JSON.stringify(value));
};

/** @param value `[id, attribute]` or `'id.attribute'` */
const getAttribute = (value: unknown, names: Names): string => {
  const [id, ...path] = typeof value === 'string' ? value.split('.') : Array.isArray(value) ? value : [];
  return typeof id === 'string' && path.length > 0
    ? names.attribute(id, path.join('.'))
    : refuse(`Fn::GetAtt ${JSON.stringify(value)}`);
};

const join = (value: unknown, names: Names): string => {
  const [separator, parts] = Array.isArray(value) ? value : [];
  return typeof separator === 'string' && Array.isArray(parts)
    ? parts.map((part) => text(part, names)).join(separator)
    : refuse(`Fn::Join ${JSON.stringify(value)}`);
};

/** `${Id}`, `${Id.Attribute}` and names of its own map; `${!x}` stays `${x}`. */
const substitute = (value: unknown, names: Names): string => {
  const [pattern, own] = Array.isArray(value) ? value : [value, {}];
  if (typeof pattern !== 'string' || !isRecord(own)) return refuse(`Fn::Sub ${JSON.stringify(value)}`);
  return pattern.replace(/\$\{(!?)([^}]+)\}/g, (_match, escaped: string, name: string) => {
    if (escaped) return `\${${name}}`;
    if (Object.hasOwn(own, name)) return text(own[name], names);
    return name.includes('.') ? getAttribute(name, names) : names.ref(name);
  });
};

/**
 * The value with every intrinsic replaced by what it stands for.
 * @throws StartError that names an intrinsic it does not know
 */
export const resolve = (value: unknown, names: Names): unknown => {
  if (Array.isArray(value)) return value.map((item) => resolve(item, names));
  if (!isRecord(value)) return value;
  const argument = Object.values(value)[0];
  switch (intrinsicOf(value)) {
    case undefined:
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, names)]));
    case 'Ref':
      return typeof argument === 'string' ? names.ref(argument) : refuse(JSON.stringify(value));
    case 'Fn::GetAtt':
      return getAttribute(argument, names);
    case 'Fn::Join':
      return join(argument, names);
    case 'Fn::Sub':
      return substitute(argument, names);
    default:
      return refuse(`${intrinsicOf(value)}`);
  }
};

/** Every logical id that a value points to, by Ref or Fn::GetAtt, wherever it stands inside. */
export const references = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(references);
  if (!isRecord(value)) return [];
  const { Ref: ref, 'Fn::GetAtt': attribute } = value;
  if (typeof ref === 'string') return [ref];
  if (Array.isArray(attribute) && typeof attribute[0] === 'string') return [attribute[0]];
  return Object.values(value).flatMap(references);
};
