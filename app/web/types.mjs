// Writes TypeScript types of the API's shapes: `node types.mjs openapi.json > src/api-types.ts`.
import { readFile } from "node:fs/promises";

const { components } = JSON.parse(await readFile(process.argv[2] ?? "openapi.json", "utf8"));

function literal(value) {
  return JSON.stringify(value);
}

function many(schemas, glue) {
  return [...new Set(schemas.map(type))].join(glue);
}

function list(schema) {
  if (schema.prefixItems) return `[${schema.prefixItems.map(type).join(", ")}]`;
  const item = schema.items ? type(schema.items) : "unknown";
  return item.includes(" | ") ? `(${item})[]` : `${item}[]`;
}

function fields(schema, taken, indent = "  ") {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name);
    const note = field.description ? [`${indent}/** ${field.description.replace(/\s+/g, " ").replace(/\*\//g, "* /")} */`] : [];
    // What we send has every field, those with a default, too; what we take may leave those out.
    const always = required.has(name) || (!taken && ("default" in field || field.anyOf?.some((one) => one.type === "null")));
    return [...note, `${indent}${key}${always ? "" : "?"}: ${type(field)};`];
  });
}

function type(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum) return schema.enum.map(literal).join(" | ");
  if (schema.anyOf) return many(schema.anyOf, " | ");
  if (schema.oneOf) return many(schema.oneOf, " | ");
  if (schema.allOf) return many(schema.allOf, " & ");
  switch (schema.type) {
    case "string":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "null":
      return "null";
    case "array":
      return list(schema);
    case "object":
      if (schema.properties) return `{ ${fields(schema, false, "").join(" ")} }`;
      return `Record<string, ${typeof schema.additionalProperties === "object" ? type(schema.additionalProperties) : "unknown"}>`;
  }
  return "unknown";
}

function named(name, schema) {
  const note = schema.description ? `/** ${schema.description.replace(/\s+/g, " ").replace(/\*\//g, "* /")} */\n` : "";
  if (schema.type !== "object" || !schema.properties) return `${note}export type ${name} = ${type(schema)};`;
  return `${note}export interface ${name} {\n${fields(schema, name.endsWith("In")).join("\n")}\n}`;
}

const shapes = Object.entries(components.schemas).sort(([a], [b]) => (a < b ? -1 : 1));
console.log("// The API's shapes. Made by types.mjs from openapi.json: do not edit, run `npm run types:write`.\n");
console.log(shapes.map(([name, schema]) => named(name, schema)).join("\n\n"));
