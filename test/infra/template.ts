/** What the infra tests ask of a synthesized template. */
import { expect } from 'vitest';
import { type Resource, synthesize } from '../../infra/synth.ts';

export const dev = synthesize();
export const prod = synthesize({ stage: 'prod' });

export type Properties = Record<string, unknown>;

/** Resources of a type, by logical id. */
export const ofType = (type: string, template = dev): [id: string, resource: Resource][] =>
  Object.entries(template.Resources).filter(([, { Type }]) => Type === type);

export const idsOf = (type: string, template = dev): string[] => ofType(type, template).map(([id]) => id);

/** Properties of a type's resources, by logical id. */
export const propertiesOf = (type: string, template = dev): Record<string, Properties> =>
  Object.fromEntries(ofType(type, template).map(([id, { Properties = {} }]) => [id, Properties]));

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** A value of the template as text, intrinsics by the name that they point to: `Events/stream/*`. */
export const text = (value: unknown): string => {
  if (Array.isArray(value)) return value.map(text).join('');
  if (!isObject(value)) return String(value);
  if (typeof value.Ref === 'string') return value.Ref;
  if (Array.isArray(value['Fn::GetAtt'])) return value['Fn::GetAtt'].join('.').replace(/\.Arn$/, '');
  if (Array.isArray(value['Fn::Join'])) return text(value['Fn::Join'][1]);
  throw new Error(`an intrinsic that these tests do not know: ${JSON.stringify(value)}`);
};

type Statement = { effect: string; actions: string[]; resources: string[] };

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

const parseStatement = (statement: unknown): Statement => {
  if (!isObject(statement)) throw new Error('a policy statement is not an object');
  return {
    effect: text(statement.Effect),
    actions: asList(statement.Action).map(text),
    resources: asList(statement.Resource).map(text),
  };
};

/** The statements of every policy that hangs on a role. */
export const statementsOf = (role: string, template = dev): Statement[] =>
  Object.values(propertiesOf('AWS::IAM::Policy', template))
    .filter(({ Roles }) => asList(Roles).map(text).includes(role))
    .flatMap(({ PolicyDocument }) => (isObject(PolicyDocument) ? asList(PolicyDocument.Statement) : []))
    .map(parseStatement);

/** The role of a function. */
export const roleOf = (id: string, template = dev): string => text(template.Resources[id]?.Properties?.Role);

/** Every source file that the template names: [function, file]. */
export const sourcesOf = (template = dev): [id: string, file: string][] =>
  ofType('AWS::Lambda::Function', template).flatMap(([id, { Metadata = {} }]) => {
    const { 'chorus:entry': entry, 'chorus:routes': routes } = Metadata;
    const files = isObject(routes) ? Object.values(routes) : [entry];
    return files.map((file): [string, string] => [id, text(file)]);
  });

/** A policy that denies every request without TLS. */
export const refusingPlainHttp = (action: string, on: object) =>
  expect.objectContaining({
    ...on,
    PolicyDocument: expect.objectContaining({
      Statement: [
        expect.objectContaining({
          Effect: 'Deny',
          Action: action,
          Principal: { AWS: '*' },
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        }),
      ],
    }),
  });
