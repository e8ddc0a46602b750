import type { EnrichStep } from '#libs/pipeline';
import { classifyStep } from './classify.step.js';
import { maskStep } from './mask.step.js';
import type { Step } from './step.js';
import { userAgentStep } from './user-agent.step.js';
import { visitorStep } from './visitor.step.js';

/** What steps need besides their options. */
export interface StepResources {
  readonly visitorSecret: string;
}

/** The steps of a pipeline in the order of its file. */
export function makeSteps(steps: readonly EnrichStep[], resources: StepResources): readonly Step[] {
  return steps.map((step) => makeStep(step, resources));
}

function makeStep(step: EnrichStep, resources: StepResources): Step {
  switch (step.kind) {
    case 'userAgent':
      return userAgentStep(step.from);
    case 'classify':
      return classifyStep();
    case 'visitor':
      return visitorStep({ ...step, secret: resources.visitorSecret });
    case 'mask':
      return maskStep(step.fields);
    default:
      return step satisfies never;
  }
}
