/** What outlives the page: the keys of the sign-in, reports that wait for the link, analyses that wait for review. IndexedDB, one object a store. */

const NAME = "sarhad";
const STORES = ["session", "outbox", "analyses"] as const;
type Store = (typeof STORES)[number];

const opened = new Promise<IDBDatabase>((resolve, reject) => {
  const request = indexedDB.open(NAME, 2);
  request.onupgradeneeded = () => {
    for (const store of STORES) if (!request.result.objectStoreNames.contains(store)) request.result.createObjectStore(store);
  };
  request.onsuccess = () => {
    request.result.onversionchange = () => request.result.close(); // a newer page waits for it
    resolve(request.result);
  };
  request.onerror = () => reject(request.error);
});

async function act<T>(store: Store, mode: IDBTransactionMode, work: (s: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const transaction = (await opened).transaction(store, mode);
  const request = work(transaction.objectStore(store));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

export const keep = (store: Store, name: string, value: unknown) =>
  act(store, "readwrite", (s) => s.put(value, name));
export const kept = <T>(store: Store, name: string): Promise<T | undefined> =>
  act(store, "readonly", (s) => s.get(name) as IDBRequest<T | undefined>);
export const keptAll = <T>(store: Store): Promise<T[]> => act(store, "readonly", (s) => s.getAll() as IDBRequest<T[]>);
export const forget = (store: Store, name: string) => act(store, "readwrite", (s) => s.delete(name));
