import { demo } from "../demo.js";
import { expect, test } from "../console.js";

// The event is planted 45 s after the fleet goes live.
const MAIL_WITHIN_MS = 180_000;

test("the planted event 2019 led to one mail that names host, tag and program", async ({ page, request }) => {
  test.setTimeout(MAIL_WITHIN_MS + 30_000);
  const mails = async () => {
    const answer = await request.get(`${demo().mail}/api/email`);
    expect(answer.ok()).toBe(true);
    const all = await answer.json();
    return all.filter((mail) => /FS-02/i.test(mail.subject) && mail.subject.includes("2019"));
  };
  await expect.poll(async () => (await mails()).length, { timeout: MAIL_WITHIN_MS }).toBe(1);

  const [mail] = await mails();
  expect(mail.subject).toContain("mybadapp.exe");
  expect(mail.to.map((to) => to.address)).toEqual(["operators@example.com"]);
  for (const body of [mail.text, mail.html]) {
    expect(body).toMatch(/FS-02/i);
    expect(body).toContain("Thre");
    expect(body).toContain("mybadapp.exe");
  }

  // Its link leads to the incident.
  const link = mail.text.match(/^Open in Poolwatch: (\S+)$/m);
  expect(link, "a link to the incident").not.toBeNull();
  await page.goto(link[1]);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("mybadapp.exe");
});
