// Files on their way: pictures made smaller and stripped, bytes kept until they have arrived.

export const MOST_FILES = 10;
export const MOST_BYTES = 10_000_000;
export const TAKEN = "image/png,image/jpeg,image/webp,image/gif,application/pdf,.txt,.log,.har,.json,.csv,.eml";
const WIDEST = 2000;

/** A picture drawn anew: at most 2000 px, without what a camera wrote into it. Anything else as it is. */
export async function slim(file: File): Promise<Blob> {
  if (!["image/png", "image/jpeg", "image/webp"].includes(file.type)) return file;
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return file; // no picture that we can draw: the server looks at what it is
  }
  const scale = Math.min(1, WIDEST / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d")!.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((done) => canvas.toBlob((drawn) => done(drawn ?? file), file.type, 0.9));
}

// Bytes of files that have not arrived yet outlive the page; a browser that forbids it keeps them in memory.
const memory = new Map<string, Blob>();
let opened: Promise<IDBDatabase> | undefined;

function database(): Promise<IDBDatabase> {
  opened ??= new Promise((done, fail) => {
    const request = indexedDB.open("stepfour", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("files");
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
  return opened;
}

async function within<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
  try {
    const request = work((await database()).transaction("files", mode).objectStore("files"));
    return await new Promise((done, fail) => {
      request.onsuccess = () => done(request.result);
      request.onerror = () => fail(request.error);
    });
  } catch {
    return undefined;
  }
}

export async function keepBytes(key: string, file: Blob): Promise<void> {
  memory.set(key, file);
  await within("readwrite", (store) => store.put(file, key));
}

export async function bytes(key: string): Promise<Blob | undefined> {
  return memory.get(key) ?? (await within<Blob>("readonly", (store) => store.get(key) as IDBRequest<Blob>));
}

export async function dropBytes(key: string): Promise<void> {
  memory.delete(key);
  await within("readwrite", (store) => store.delete(key));
}

export function forgetFiles(): void {
  memory.clear();
  void within("readwrite", (store) => store.clear());
}
