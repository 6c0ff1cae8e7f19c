import type { Logger } from 'pino';
import { GatewayError } from '../errors.ts';
import { failed } from './ending.ts';
import type { KeptRun, RunLog } from './run-log.ts';
import { Translator } from './translator.ts';

/** Ends a run that was taken over though its app is not served here any more: nobody else would. Never rejects. */
export async function endUnserved({ state }: KeptRun, log: RunLog, logger: Logger): Promise<void> {
  const { header } = state;
  const about = { run: header.id, app: header.app };
  const why = new GatewayError('APP_NOT_FOUND', `The app “${header.app}” is not served here any more.`);
  const translator = new Translator();
  translator.resume(state);
  try {
    await log.append(header, translator.finish({ ...failed(why), by: 'WATCHDOG' }, Date.now()));
    logger.warn(about, 'a run of an app that is not served here was ended');
  } catch (error) {
    logger.error({ ...about, err: error }, 'a run of an app that is not served here could not be ended');
  }
}
