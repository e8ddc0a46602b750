import { defineFunction, type FunctionDefinition, RefuseEventError, RetryLaterError } from '#libs/functions';

export interface Request {
  readonly user: string;
  readonly path: string;
}

export interface PlannedRequest extends Request {
  readonly plan: string;
}

/** Where plans come from. */
export interface Accounts {
  /** @returns undefined if nobody is called so; rejects while the service is away */
  planOf(user: string, signal: AbortSignal): Promise<string | undefined>;
}

/** Adds the user's plan to each request. */
export function addPlan(accounts: Accounts): FunctionDefinition<Request, PlannedRequest> {
  return defineFunction<Request, PlannedRequest>({
    name: 'add-plan',
    input: 'web.enriched',
    output: 'web.planned',
    by: ({ data }) => data.user,
    timeBudget: '2s',
    parkFor: '1h',
    async process({ data }, { state, signal }) {
      const known = state.value<string>('plan', { ttl: '10m', by: 'wall' });
      const plan = known.get() ?? (await ask(accounts, data.user, signal));
      known.set(plan);
      return { ...data, plan };
    },
  });
}

async function ask(accounts: Accounts, user: string, signal: AbortSignal): Promise<string> {
  const plan = await accounts.planOf(user, signal).catch((error: unknown) => {
    throw new RetryLaterError('the account service is away', error);
  });
  if (plan === undefined) throw new RefuseEventError(`nobody is called '${user}'`);
  return plan;
}
