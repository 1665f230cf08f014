// The numbered events of a conversation, in the API's own shapes.

import type { ActionState, ShownMessage, ShownStep, StreamedEvent } from "./api-types";

export type {
  ActionProposed as Proposed,
  ActionState,
  CitedSource as Source,
  ShownAttachment as Attachment,
  ShownMessage as Message,
  ShownStep as Step,
  Steps,
} from "./api-types";

export type Event = StreamedEvent;
type ByName<E extends StreamedEvent> = { [K in E as K["event"]]: K["data"] };
export type Payloads = ByName<StreamedEvent>;

export type Word = ShownStep["word"];
export type RequestState = ActionState["state"];
export type Role = ShownMessage["role"];
