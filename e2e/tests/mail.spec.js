import { demo, picture } from "../demo.js";
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

for (const colorScheme of ["light", "dark"]) {
  test(`a mail fits the widths of mail programs, ${colorScheme}`, async ({ page, request }) => {
    test.setTimeout(MAIL_WITHIN_MS + 30_000);
    const first = async () => {
      const all = await (await request.get(`${demo().mail}/api/email`)).json();
      return all.find((mail) => mail.subject.startsWith("[Poolwatch] ") && mail.html?.includes("Open in Poolwatch"));
    };
    await expect.poll(async () => Boolean(await first()), { timeout: MAIL_WITHIN_MS }).toBe(true);
    const { html } = await first();
    await page.emulateMedia({ colorScheme });
    for (const width of [360, 600]) {
      await page.setViewportSize({ width, height: 900 });
      await page.setContent(html);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflow, `${width} px`).toBeLessThanOrEqual(0);
      await page.screenshot({ path: picture(`mail-${colorScheme}-${width}`), fullPage: true });
    }
  });
}
