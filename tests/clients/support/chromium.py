"""Chromium over WebDriver, with the checks that every page of the console must pass.

Needs Debian's `chromium` and `chromedriver`; `cargo xtask test` installs them where it may.
"""

import json
import os
import shutil
from functools import cache
from importlib import resources
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from support.server import TARGET

PROGRAMS = [shutil.which("chromium"), shutil.which("chromedriver")]
NOT_INSTALLED = None if all(PROGRAMS) else "chromium or chromedriver is not installed"
# Where the screenshots of a run are kept.
SCREENSHOTS = Path(os.environ.get("BAILIWICK_SCREENSHOTS", TARGET / "screenshots"))
PATIENCE = 30
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def _axe():
    return (resources.files("selenium_axe_python") / "axe-core" / "axe.min.js").read_text()


class Browser:
    """A browser with an empty profile. `scripts` says whether pages may run JavaScript."""

    def __init__(self, folder, scripts=True, width=1280, height=900, dark=False):
        options = Options()
        options.binary_location = PROGRAMS[0]
        for argument in (
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={folder}",
        ):  # fmt: skip
            options.add_argument(argument)
        if not scripts:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(PROGRAMS[1]))
        self.driver.set_page_load_timeout(PATIENCE)
        self.scripts = scripts
        self.look(width, height, dark)

    def close(self):
        """Ends the browser."""
        self.driver.quit()

    def look(self, width, height=900, dark=False):
        """Sets the size of the window's content, and the theme."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        )
        theme = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in theme.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def open(self, url):
        """Loads a page."""
        self.driver.get(url)
        return self

    @property
    def path(self):
        """The path and query of the page."""
        return "/" + self.driver.current_url.split("/", 3)[3]

    @property
    def text(self):
        """The text that a person sees."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    @property
    def heading(self):
        """The one heading of the first level."""
        (heading,) = self.driver.find_elements(By.TAG_NAME, "h1")
        return heading.text

    def links(self):
        """The addresses of all links of the page, in order."""
        found = (link.get_attribute("href") for link in self.driver.find_elements(By.CSS_SELECTOR, "a[href]"))
        return list(dict.fromkeys(found))

    def field(self, label):
        """The field with a label that begins with these words."""
        for each in self.driver.find_elements(By.TAG_NAME, "label"):
            if each.text.strip().startswith(label):
                named = each.get_attribute("for")
                if named:
                    return self.driver.find_element(By.ID, named)
                return each.find_element(By.CSS_SELECTOR, "input, select, textarea")
        raise AssertionError(f"no field {label!r} in:\n{self.text}")

    def fill(self, label, value):
        """Types into a field, or chooses in a list."""
        field = self.field(label)
        if field.tag_name == "select":
            Select(field).select_by_visible_text(value)
        elif field.get_attribute("type") in ("checkbox", "radio"):
            if field.is_selected() != bool(value):
                field.click()
        else:
            field.clear()
            field.send_keys(value)

    def press(self, words):
        """Presses a button, and waits for the page that follows."""
        before = self.driver.find_element(By.TAG_NAME, "html")
        for button in self.driver.find_elements(By.CSS_SELECTOR, "button, input[type=submit]"):
            if (button.text or button.get_attribute("value") or "").strip() == words and button.is_displayed():
                button.click()
                self.wait_until_replaced(before)
                return
        raise AssertionError(f"no button {words!r} in:\n{self.text}")

    def follow(self, words):
        """Follows a link."""
        before = self.driver.find_element(By.TAG_NAME, "html")
        self.driver.find_element(By.LINK_TEXT, words).click()
        self.wait_until_replaced(before)

    def wait_until_replaced(self, page):
        """Waits until another page is loaded in the place of this one."""
        def is_gone(_):
            try:
                page.is_enabled()
            except Exception:
                return True
            return False

        WebDriverWait(self.driver, PATIENCE).until(is_gone)

    def sign_in(self, url, account, password, user=None):
        """Signs a person in, root without a name, on the page for it."""
        self.open(url + "/console/sign-in" + ("?root=1" if user is None else ""))
        self.fill("Account", account)
        if user is not None:
            self.fill("User name", user)
        self.fill("Password", password)
        self.press("Sign in")

    def complaints(self):
        """What the browser reported since the last look: violations of the content security policy, and errors."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def violations(self):
        """What axe finds, as one line for each place."""
        # By the protocol of the developer tools, since the pages permit no script of others.
        run = "axe.run(document, {runOnly: " + json.dumps(RULES) + "}).then(found => JSON.stringify(found.violations))"
        self.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": _axe()})
        answer = self.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": run, "awaitPromise": True})
        found = json.loads(answer["result"]["value"])
        return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]

    def overflow(self):
        """By how many pixels the page is wider than the window."""
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return self.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": wide})["result"]["value"]

    def screenshot(self, name):
        """Keeps a picture of the page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(SCREENSHOTS / f"{name}.png"))
