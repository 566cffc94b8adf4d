"""A browser without JavaScript: keeps cookies, follows redirects, reads pages, fills forms and sends them."""

import html.parser
import http.client
from urllib.parse import urlencode, urljoin, urlsplit

from support.server import PATIENCE

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Form:
    """A form of a page: its address and the values that it would send."""

    def __init__(self, action, attributes):
        self.action = action
        self.attributes = attributes
        self.members = []
        self.names = set()

    def has(self, **members):
        """Whether the form has these members, or would send them by one of its buttons."""
        return all((name, value) in self.members for name, value in members.items())


class Page(html.parser.HTMLParser):
    """An answer: status, headers by lower-case name, text, forms, links, and what a reader sees of it."""

    def __init__(self, address, response):
        super().__init__()
        self.address = address
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.html = response.read().decode()
        self.forms, self.links, self.heads, self._seen, self._open, self._select = [], [], [], [], [], None
        self._area, self._lists, self.tabs = None, [], []
        self.feed(self.html)
        self.text = " ".join(" ".join(self._seen).split())

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag not in VOID:
            self._open.append(tag)
        if tag == "form":
            self.forms.append(Form(attributes.get("action", self.address), attributes))
        elif tag == "a":
            self.links.append(attributes.get("href"))
            if "ul" in self._open and "tabs" in self._lists:
                self.tabs.append((attributes.get("href"), "aria-current" in attributes))
        elif tag == "ul":
            self._lists.append(attributes.get("class"))
        elif tag == "h1":
            self.heads.append("")
        elif self.forms and "form" in self._open:
            self._member(tag, attributes)

    def _member(self, tag, attributes):
        form, name = self.forms[-1], attributes.get("name")
        if name:
            form.names.add(name)
        if tag == "input" and name:
            if attributes.get("type") not in ("checkbox", "radio") or "checked" in attributes:
                form.members.append((name, attributes.get("value") or ""))
        elif tag == "textarea" and name:
            form.members.append((name, ""))
            self._area = name
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in attributes:
            form.members.append((self._select, attributes.get("value", "")))

    def handle_endtag(self, tag):
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag == "textarea":
            self._area = None
        if tag == "ul":
            self._lists.pop()

    def handle_data(self, data):
        if self._area:
            name, value = self.forms[-1].members[-1]
            if not value and data.startswith("\n"):
                data = data[1:]  # as browsers do, once
            self.forms[-1].members[-1] = (name, value + data)
        if self._open and self._open[-1] == "h1":
            self.heads[-1] += data
        if not {"title", "style", "script"} & set(self._open):
            self._seen.append(data)

    def add(self, other):
        """Adds another tab of the page."""
        self.forms += other.forms
        self.links += other.links
        self.text += " " + other.text
        self.html += other.html

    def form(self, **members):
        """The first form that has these members; a member without a value must only be there."""
        for form in self.forms:
            if all(name in form.names if value is None else form.has(**{name: value}) for name, value in members.items()):
                return form
        raise AssertionError(f"{self.address} has no form with {members}: {self.text}")


class Browser:
    """Asks one server. `whole`: reads the tabs of a page about one object as one page."""

    def __init__(self, server, agent="test browser", whole=True):
        self.server = server
        self.whole = whole
        self.agent = agent
        self.cookies = {}
        self.page = None

    def request(self, method, path, body=None, headers=()):
        """Sends one request with the cookies, and follows no redirect."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        try:
            cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            sent = {"User-Agent": self.agent} | ({"Cookie": cookies} if cookies else {}) | dict(headers)
            connection.request(method, path, body, {name: value for name, value in sent.items() if value is not None})
            page = Page(path, connection.getresponse())
        finally:
            connection.close()
        if cookie := page.headers.get("set-cookie"):
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies.pop(name, None)
            if value:
                self.cookies[name] = value
        return page

    def open(self, path, method="GET", body=None, headers=()):
        """Sends a request and follows redirects, as a person sees it."""
        page = self.request(method, path, body, headers)
        while page.status == 303:
            path = urljoin(path, page.headers["location"])
            page = self.request("GET", path)
        if self.whole and 'aria-label="Parts of this page"' in page.html:
            for tab, is_current in page.tabs:
                if not is_current:
                    page.add(self.request("GET", tab))
        self.page = page
        return page

    def post(self, path, members, headers=()):
        """Sends a form as a page of the console does."""
        defaults = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": self.server.url,
            "Sec-Fetch-Site": "same-origin",
        }
        return self.open(path, "POST", urlencode(members), defaults | dict(headers))

    def send(self, form, members=(), **named):
        """Fills a form of the page and sends it."""
        given = list(dict(members).items()) + list(named.items())
        names = {name for name, _ in given}
        kept = [(name, value) for name, value in form.members if name not in names]
        flat = [(name, one) for name, value in given for one in (value if isinstance(value, list) else [value])]
        action = urlsplit(urljoin(self.page.address, form.action))
        return self.post(action.path + (f"?{action.query}" if action.query else ""), kept + flat)

    def sign_in(self, user, password, **members):
        """Signs in from the first page."""
        page = self.open("/console/sign-in")
        return self.send(page.form(user_name=None), account=self.server.account, user_name=user, password=password, **members)
