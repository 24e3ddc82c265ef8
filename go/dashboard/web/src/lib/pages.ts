/** All entries of a listing that is cut into pages by offset. */
export async function allPages<T>(
  size: number,
  read: (page: { limit: bigint; offset: bigint }) => Promise<T[]>,
): Promise<T[]> {
  const all: T[] = [];
  for (;;) {
    const page = await read({ limit: BigInt(size), offset: BigInt(all.length) });
    all.push(...page);
    if (page.length < size) return all;
  }
}
