/** Plants a bug: the sources that come after this see the changed text. Only for threads of the simulation. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Plant, plants } from './plants.ts';

const root = join(import.meta.dirname, '../..');

/** @throws Error when a text is not there exactly once: the plant has to be mended */
export const applyTo = (text: string, { file, find, replace }: Plant['edits'][number]): string => {
  const [before, after, ...more] = text.split(find);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`${file} holds this ${text.split(find).length - 1} times, not once: ${find}`);
  return before + replace + after;
};

/** @throws Error for a plant that there is not, or that fits its source no more */
export const plantBug = (name: string): void => {
  const found = plants.find((each) => each.name === name);
  if (!found) throw new Error(`no plant is called ${name}`);
  const changed = new Map<string, string>();
  for (const edit of found.edits) {
    const url = pathToFileURL(join(root, edit.file)).href;
    changed.set(url, applyTo(changed.get(url) ?? readFileSync(join(root, edit.file), 'utf8'), edit));
  }
  registerHooks({
    load: (url, context, next) => {
      const source = changed.get(url);
      return source === undefined ? next(url, context) : { format: 'module-typescript', source, shortCircuit: true };
    },
  });
};
