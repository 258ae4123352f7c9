// What a container has outside of its directory and its namespaces: written down before it is made, and undone from
// that record alone, by its own engine or by the next command.

/** As it stands in state.json. */
export interface Resources {
  /** Directories of its cgroups. */
  readonly cgroups?: readonly string[]
}

/** Undoes all of it; what is gone already is as good. Throws where something cannot be undone now. */
export async function release(_resources: Resources, _id: string): Promise<void> {}
