/** What CloudWatch would make of a log line in its embedded metric format. */
import { z } from 'zod';

/** The specification's schema, and the bounds that its words add. */
const Document = z.looseObject({
  _aws: z.strictObject({
    Timestamp: z.int().min(1_000_000_000_000).max(9_999_999_999_999),
    CloudWatchMetrics: z
      .array(
        z.strictObject({
          Namespace: z.string().min(1).max(1024),
          Dimensions: z.array(z.array(z.string().min(1).max(250)).min(1).max(30)).min(1),
          Metrics: z
            .array(z.strictObject({ Name: z.string().min(1).max(1024), Unit: z.enum(['Count', 'Milliseconds']) }))
            .min(1)
            .max(100),
        }),
      )
      .min(1),
  }),
});
const Value = z.union([z.number(), z.array(z.number()).min(1).max(100)]);
const Dimension = z.string().min(1).max(1024);

/** What CloudWatch would make of a line. @throws where it would make nothing */
export const readMetrics = (line: string): { series: string; value: number | number[] }[] => {
  const root = Document.parse(JSON.parse(line));
  return root._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
    Dimensions.flatMap((names) => {
      const set = names.map((name) => `${name}=${Dimension.parse(root[name])}`).join(',');
      return Metrics.map(({ Name }) => ({
        series: `${Namespace}/${Name}{${set}}`,
        value: Value.parse(root[Name]),
      }));
    }),
  );
};
