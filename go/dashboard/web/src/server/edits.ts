import { createClient } from "@connectrpc/connect";
import { AdminService } from "../gen/metrana/admin/v1/admin_pb";
import { transport } from "./clients";
import type { ProjectName } from "./runs";

const admin = createClient(AdminService, transport);

/** What changes of a run. */
export interface RunEdit {
  addTags?: string[];
  removeTags?: string[];
  description?: string;
}

/** Changes tags and description of a run. */
export async function editRun(of: ProjectName, run: string, edit: RunEdit): Promise<void> {
  await admin.editRun({ target: { ...targetOf(of), run }, ...edit });
}

/** Puts a run aside, or takes it back. */
export async function archiveRun(of: ProjectName, run: string, archived: boolean): Promise<void> {
  await admin.setArchived({ target: { ...targetOf(of), run }, archived });
}

/** Deletes a run with all that it logged. */
export async function deleteRun(of: ProjectName, run: string): Promise<void> {
  await admin.delete({ target: { ...targetOf(of), run } });
}

function targetOf({ workspace, project }: ProjectName) {
  return { workspace, project };
}
