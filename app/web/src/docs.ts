// Shows /openapi.json as a page for people: routes, what they take and what they give. Nothing from elsewhere.

import { type Child, h } from "./dom";

interface Schema {
  $ref?: string;
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  prefixItems?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  description?: string;
  title?: string;
  format?: string;
  pattern?: string;
  maxLength?: number;
  additionalProperties?: boolean | Schema;
}
interface Content {
  content?: Record<string, { schema?: Schema }>;
  description?: string;
}
interface Operation {
  tags?: string[];
  summary?: string;
  description?: string;
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema: Schema }[];
  requestBody?: Content;
  responses: Record<string, Content>;
  security?: object[];
}
interface Description {
  info: { title: string; version: string; summary?: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

function named(schema: Schema): string {
  return schema.$ref?.split("/").pop() ?? "";
}

function typeOf(schema: Schema | undefined): Child[] {
  if (!schema) return ["anything"];
  const name = named(schema);
  if (name) return [h("a", { href: `#${name}` }, name)];
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return either.flatMap((one, n) => [n ? " or " : null, ...typeOf(one)]);
  if (schema.const !== undefined) return [h("code", {}, JSON.stringify(schema.const))];
  if (schema.enum) return schema.enum.flatMap((value, n) => [n ? " | " : null, h("code", {}, JSON.stringify(value))]);
  if (schema.prefixItems) return ["[", ...schema.prefixItems.flatMap((one, n) => [n ? ", " : null, ...typeOf(one)]), "]"];
  if (schema.type === "array") return ["list of ", ...typeOf(schema.items)];
  const limits = [
    schema.format,
    schema.pattern && `matching ${schema.pattern}`,
    schema.maxLength && `at most ${schema.maxLength} characters`,
  ].filter(Boolean);
  return [limits.length ? `${schema.type ?? "anything"} (${limits.join(", ")})` : (schema.type ?? "anything")];
}

function fields(schema: Schema): HTMLElement {
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, h("code", {}, name), schema.required?.includes(name) ? h("span", { class: "need" }, " required") : null),
      h("td", {}, ...typeOf(field)),
      h("td", {}, field.description ?? ""),
    ),
  );
  if (!rows.length) return h("p", { class: "soft" }, "An object without fields.");
  const head = h("tr", {}, ...["Field", "Type", "Meaning"].map((name) => h("th", { scope: "col" }, name)));
  return h("div", { class: "table", tabindex: "0" }, h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows)));
}

function schemaOf(content: Content | undefined): Schema | undefined {
  return Object.values(content?.content ?? {})[0]?.schema;
}

function operation(path: string, method: string, op: Operation): HTMLElement {
  const body = schemaOf(op.requestBody);
  const parameters = (op.parameters ?? []).map((p) =>
    h("li", {}, h("code", {}, p.name), ` in ${p.in}${p.required ? ", required" : ""}: `, ...typeOf(p.schema)),
  );
  const answers = Object.entries(op.responses).map(([code, answer]) => {
    const schema = schemaOf(answer);
    const shown = schema && Object.keys(schema).length > 0;
    return h("li", {}, h("code", {}, code), ` ${answer.description ?? ""}`, ...(shown ? [": ", ...typeOf(schema)] : []));
  });
  const part = (title: string, ...inner: Child[]): Child[] => [h("h4", {}, title), ...inner];
  return h(
    "section",
    { class: "operation" },
    h("h3", {}, h("span", { class: `method ${method}` }, method.toUpperCase()), " ", h("code", {}, path)),
    h("p", {}, op.description ?? op.summary ?? "", op.security ? h("span", { class: "need" }, " Needs a token.") : null),
    ...(parameters.length ? part("Parameters", h("ul", {}, ...parameters)) : []),
    ...(body ? part("Body", h("p", {}, ...typeOf(body))) : []),
    ...part("Answers", h("ul", {}, ...answers)),
  );
}

async function show(): Promise<void> {
  const api = (await (await fetch("/openapi.json")).json()) as Description;
  const groups = new Map<string, HTMLElement[]>();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, op] of Object.entries(methods)) {
      const tag = op.tags?.[0] ?? "Other";
      groups.set(tag, [...(groups.get(tag) ?? []), operation(path, method, op)]);
    }
  }
  document.body.append(
    h(
      "main",
      {},
      h("h1", {}, `${api.info.title} API`),
      h("p", {}, api.info.summary ?? ""),
      h("p", {}, "The same for machines: ", h("a", { href: "/openapi.json" }, "/openapi.json"), "."),
      ...[...groups].map(([tag, operations]) => h("section", {}, h("h2", {}, tag), ...operations)),
      h(
        "section",
        {},
        h("h2", {}, "Shapes"),
        ...Object.entries(api.components.schemas).map(([name, schema]) =>
          h("section", { class: "shape" }, h("h3", { id: name }, name), schema.description ? h("p", {}, schema.description) : null, schema.enum ? h("p", {}, ...typeOf(schema)) : fields(schema)),
        ),
      ),
    ),
  );
  document.querySelector(location.hash || "nothing")?.scrollIntoView();
}

void show();
