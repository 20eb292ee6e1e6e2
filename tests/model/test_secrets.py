"""Secrets in text that a model sees: real ones go, and plain code, types and prose stay as they are."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dspy_agent.model.data import without_secrets

PLAIN = """
token = self.next()
token = self._tokens[self._at]
    token = next(lexer, None)
    while token := self.next():
token = tokens2
token: str
token: Optional[str] = None,
token: str | None
def login(user: str, password: str, *, token: Token | None = None) -> None:
    return self.open(user, password=password, token=token, secret=client_secret)
if token == other.token:
if token.type == "NAME" and token != last:
if password == expected:
if not token: raise SyntaxError(token)
if token: return True
else token: self.emit(token)
E       AssertionError: assert token == 'PLUS'
SyntaxError: unexpected token: expected NAME, got NUMBER
ValueError: Unexpected token 'else' at line 3
Unexpected token: ) in JSON at position 12
password = getpass.getpass("Password: ")
password = hash_of(salt + value)
password = os.environ["DB_PASSWORD"]
password: SecretStr = Field(default=...)
password = None
password: string;
let password: &str = config.password();
secret = settings.SECRET_KEY
secret: bytes = b""
api_key = os.environ.get("OPENAI_API_KEY", "")
api_key=args.api_key,
authorization = request.headers.get("Authorization")
cookie = request.cookies.get(name)
cookie: the name of the one to send
max_token = 128000
max_tokens=4096, token_count=17
String token = lexer.nextToken();
const token = req.headers.authorization;
token := lexer.Next()
fn token(&mut self) -> Token { self.token = Token::new(kind) }
return {"token": token, "kind": kind}
PASSWORD=$DB_PASSWORD
password: ${DB_PASSWORD}
password: {{ .Values.password }}
password=<password>
password=********
f"password={password}"
"password: %s"
  --token TOKEN   the token to send
  --password PASSWORD
--password must be given
The password is required. Token: see below.
password: this field is required
{"password": "This field is required."}
{"type": "password", "name": "password"}
tests/test_token.py::test_token_is_kept PASSED
basic operations, bearer instruments
see https://example.org/token://x
secret=/run/secrets/password
password = jwt.encode(
"output_cost_per_token": 0.00006,
client_secret=constants.OAUTH_CLIENT_SECRET,
headers["Authorization"] = auth
shown = f"{token[:3]}****{token[-4:]}"
api_key: Final = ctx.api_key
auth_token = base64.b64encode(value)
key = values["password"], values["host"]
self.user, self.password = user, password
user = password = host = None
:param token: Token dictionary
permissions: id-token: write
SEND_TOKEN = "send_message"
print(SecretStr('password'), SecretStr(''))
token = a(b(c(d(e))))
""".strip("\n").split("\n")

SECRET = [
    ("password=hunter2", "hunter2"),
    ("password = hunter2", "hunter2"),
    ("password: letmein", "letmein"),
    ("PASSWORD='correct horse battery'", "horse battery"),
    ('{"password": "hunter2", "user": "ann"}', "hunter2"),
    ('"{\\"password\\": \\"hunter2\\"}"', "hunter2"),
    ("db_password: s3cr3t(1)x", "s3cr3t(1)x"),
    ("password=Pa(ss)w0rd", "Pa(ss)w0rd"),
    ("password=my.pass.w0rd99", "my.pass.w0rd99"),
    ("password => 'letmein',", "letmein"),
    ('password = """letmein"""', "letmein"),
    ("password = b'letmein'", "letmein"),
    ("if password == 'hunter2':", "hunter2"),
    ("connect(host='x', password='hunter2')", "hunter2"),
    ("log in failed: connect(user=x, password=hunter2)", "hunter2"),
    ("connect(token=get(password='hunter2'))", "hunter2"),
    ("ALTER USER x PASSWORD 'hunter2'", "hunter2"),
    ("token=abc123def456", "abc123def456"),
    ("token: 9f86d081884c7d65", "9f86d081884c7d65"),
    ('token = "9f86d081884c7d65"', "9f86d081884c7d65"),
    ("access_token=lettersonly", "lettersonly"),
    ("GITHUB_TOKEN=lettersonly", "lettersonly"),
    ("tool --token abc123def456 --verbose", "abc123def456"),
    ("tool --password letmein", "letmein"),
    ("--api-key=zzzyyyxxx", "zzzyyyxxx"),
    ("SECRET_KEY = 'django-insecure-x1'", "django-insecure-x1"),
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
    ("key AKIAIOSFODNN7EXAMPLE is used", "AKIAIOSFODNN7EXAMPLE"),
    ("client_secret: 'abc'", "abc"),
    ("password: str = 'hunter2'", "hunter2"),
    ("api_key: Optional[str] = 'abcdef'", "abcdef"),
    ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    ("Authorization: Bearer abcdefghij.klmnop", "abcdefghij.klmnop"),
    ("Authorization: Token 0123456789abcdef", "0123456789abcdef"),
    ("got Bearer AbCdEfGhIjKl", "AbCdEfGhIjKl"),
    ("Cookie: session=abcdefg; csrf=hijklmn", "hijklmn"),
    ("postgres://ann:hunter2@db/x", "hunter2"),
    ("token ghp_0123456789abcdefghij", "ghp_0123456789abcdefghij"),
    ("xoxb-1234567890-abcdef", "xoxb-1234567890"),
    ("eyJhbGciOiJIUzI1.eyJzdWIiOiIx.c2lnbmF0dXJl", "eyJzdWIiOiIx"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----", "MIIabc"),
]


@pytest.mark.parametrize("line", PLAIN)
def test_what_is_no_secret_stays(line: str) -> None:
    assert without_secrets(line) == line


@pytest.mark.parametrize(("line", "secret"), SECRET)
def test_a_secret_goes(line: str, secret: str) -> None:
    hidden = without_secrets(f"before {line}\nafter")
    assert secret not in hidden
    assert "[secret]" in hidden
    assert hidden.startswith("before ")
    assert hidden.endswith(("\nafter", "[secret]\nafter"))


_MADE = st.builds(
    lambda text, digits: text[:4] + digits + text[4:],
    st.text(string.ascii_letters, min_size=6, max_size=20),
    st.text(string.digits, min_size=3, max_size=5),
)


@given(
    st.sampled_from(["password", "api_key", "DB_PASSWORD", "client-secret", "token", "X-Auth-Token"]),
    st.sampled_from(
        ["{}={}", "{} = {}", "{}: {}", '{}="{}"', '"{}": "{}"', "{}='{}', x=1", "--{} {}", "'{}' => '{}'"]
    ),
    _MADE,
)
def test_a_made_value_goes_however_it_is_written(name: str, form: str, value: str) -> None:
    assert value not in without_secrets(f"x\n{form.format(name, value)}\ny")


@given(
    st.sampled_from(["password", "api_key", "secret", "token", "cookie"]),
    st.sampled_from(["{} = {}.{}()", "{} = {}[{}]", "    {} = await {}({})", "{} = {}.{} + 1", "{}: {}[{}]"]),
    st.text(string.ascii_lowercase + "_", min_size=1, max_size=12),
    st.text(string.ascii_lowercase + "_", min_size=1, max_size=12),
)
def test_expressions_stay(name: str, form: str, one: str, other: str) -> None:
    line = form.format(name, one, other)
    assert without_secrets(line) == line


@given(
    st.lists(
        st.sampled_from(
            [
                *PLAIN,
                *(line for line, _ in SECRET),
                "token",
                "password",
                "=",
                ":",
                " ",
                '"',
                "'",
                "\n",
                "(",
                "--",
                ";",
            ]
        )
        | st.text(max_size=9),
        max_size=9,
    ).map("".join)
)
@example("password=[secret]x")
def test_secrets_are_replaced_once_and_for_all(text: str) -> None:
    once = without_secrets(text)
    assert without_secrets(once) == once
