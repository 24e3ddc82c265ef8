import { expect, test } from "vitest";
import { fileName } from "./file_name";

test("what a file system may not take becomes an underscore", () => {
  expect(fileName("train/loss", "csv")).toBe("train_loss.csv");
  expect(fileName("größe 1.5: <b>", "svg")).toBe("größe_1.5_b_.svg");
});
