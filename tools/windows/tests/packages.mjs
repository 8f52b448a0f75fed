// What can be seen of template and packages without running them.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";

const root = path.join(import.meta.dirname, "..", "..", "..");
const policy = path.join(root, "deploy", "policy");

// Rows of a table of a package by their first column.
export function table(file, name) {
  // What a table holds in streams is written beside.
  const options = { encoding: "utf8", cwd: path.dirname(file) };
  const text = execFileSync("msiinfo", ["export", file, name], options);
  return new Map(text.split(/\r?\n/).slice(3).map((line) => [line.split("\t")[0], line.split("\t")]));
}

export default (world) =>
  describe("template and packages", () => {
    test("the template is as the schema of policy templates has it", () => {
      const schema = path.join(import.meta.dirname, "admx.xsd");
      const languages = readdirSync(policy).filter((name) => !name.includes("."));
      assert.deepEqual(languages.sort(), ["de-DE", "en-US"]);
      const files = ["Poolwatch.admx", ...languages.map((name) => `${name}/Poolwatch.adml`)];
      execFileSync("xmllint", ["--noout", "--schema", schema, ...files], { cwd: policy, stdio: "pipe" });
      const wrong = path.join(world.run, "wrong.admx");
      const text = execFileSync("sed", ['s/class="Machine"/class="machine"/', "Poolwatch.admx"], { cwd: policy });
      writeFileSync(wrong, text);
      assert.throws(() => execFileSync("xmllint", ["--noout", "--schema", schema, wrong], { stdio: "pipe" }));
    });

    for (const [name, file] of [["x64", world.packages.first], ["x86", world.packages.x86]]) {
      test(`the ${name} package keeps secrets, tells versions, and has icon and library`, () => {
        const property = (name) => table(file, "Property").get(name)?.[1];
        for (const name of ["ENROLL_TOKEN", "KEPT_ENROLL_TOKEN", "PROXY", "KEPT_PROXY"]) {
          assert.ok(property("MsiHiddenProperties").split(";").includes(name), name);
        }
        const given = ["SERVER_URL", "ENROLL_TOKEN", "CA_FILE", "PROXY", "LABELS", "INTERVAL", "NOSTART", "PURGE"];
        for (const name of given) {
          assert.ok(property("SecureCustomProperties").split(";").includes(name), name);
        }
        assert.equal(property("ARPPRODUCTICON"), "poolwatch.ico");
        // Without a version in the table, an upgrade on Windows would leave a file out that has one.
        for (const [, row] of table(file, "File")) {
          if (row[0]) assert.match(row[4], /^\d+\.\d+\.\d+\.\d+$/, row[0]);
        }
        assert.ok(table(file, "Binary").has("Setup"));
        assert.ok(table(file, "Icon").has("poolwatch.ico"));
      });
    }

    test("what is signed is signed whole: package, program and libraries", () => {
      const verify = (file) => execFileSync("osslsigncode", ["verify", "-CAfile", process.env.SIGNER, "-in", file], { encoding: "utf8" });
      assert.match(verify(process.env.SIGNED_MSI), /Signature verification: ok/);
      const inside = path.join(world.run, "inside");
      execFileSync("msiextract", ["-C", inside, process.env.SIGNED_MSI]);
      const files = execFileSync("find", [inside, "-type", "f"], { encoding: "utf8" }).trim().split("\n");
      assert.equal(files.length, 2);
      for (const file of files) assert.match(verify(file), /Signature verification: ok/, file);
      assert.throws(() => execFileSync("osslsigncode", ["verify", "-CAfile", process.env.SIGNER, "-in", world.packages.first], { stdio: "pipe" }));
    });
  });
