/** How clients name an event in a URL. */
import { z } from 'zod';

export const EventId = z
  .string()
  .regex(
    /^[a-z]+:[A-Za-z0-9_.:|+-]{1,140}@[1-9][0-9]{0,15}$/,
    'must be the name of an event, such as conversation:cnv_…@7',
  );
