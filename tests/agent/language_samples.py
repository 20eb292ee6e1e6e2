"""A small source in each language, and what is to be found in it."""

from __future__ import annotations

from tests.agent.compiled_samples import COMPILED
from tests.agent.sample import Sample

SAMPLES = (
    *COMPILED,
    Sample(
        "python",
        '''"""Doc."""
import os
from .a import b as c

LIMIT = 3


@deco
class A(b.B[int], metaclass=M):
    """An A."""

    @property
    def x(self, y: int | None = None) -> dict[str, int]:
        return {}


async def f(*, k="a"):
    def g(): ...
''',
        """5-5 constant LIMIT
8-14 class A
12-14 method A.x
17-18 function f
18-18 function f.g""",
        imports=["os", ".a"],
        signatures={
            "LIMIT": "LIMIT = 3",
            "A": "class A(b.B[int], metaclass=M)",
            "A.x": "def x(self, y: int | None=None) -> dict[str, int]",
            "f": "async def f(*, k='a')",
            "f.g": "def g()",
        },
        bases={"A": ("b.B",)},
        docs={"A": ("An A.", (10, 10))},
        docstring="Doc.",
    ),
    Sample(
        "javascript",
        """import A, { b as c } from "./x.js";
const y = require("y");
/** Runs. */
export const run = async (a) => {
  return a;
};
exports.go = function () {};
Foo.prototype.bar = function () {};
const api = { get() {}, post: () => 1 };
class B extends A.C {
  #p() {}
  static q = () => 1;
}
const LIMIT = 3;
export default function main() {}
""",
        """4-6 function run
7-7 function go
8-8 method Foo.bar
9-9 method api.get
9-9 method api.post
10-13 class B
11-11 method B.#p
12-12 method B.q
14-14 constant LIMIT
15-15 function main""",
        imports=["./x.js", "y"],
        signatures={
            "run": "export const run = async (a)",
            "go": "exports.go = function ()",
            "Foo.bar": "Foo.prototype.bar = function ()",
            "api.get": "get()",
            "api.post": "post: ()",
            "B": "class B extends A.C",
        },
        bases={"B": ("A.C",)},
        docs={"run": ("Runs.", (3, 3))},
    ),
    Sample(
        "typescript",
        """import A, {b as c, type d} from "./x";
/** A doc. */
@Dec({a: 1})
export default class K<T> extends ns.B<T> implements I<T>, J {
  @In() foo = () => 1;
  // Sends.
  @Out()
  m(a: number): void {}
}
export abstract class AB { abstract q(): void; }
interface I extends X<Y>, Z { m(): void }
export const FOO = 1, f = async () => { const g = function() {} };
export default function () {}
namespace N { export function q(){} }
enum E { A }
type T = { a: number };
export { p } from "./p";
declare function amb(): void;
""",
        """3-9 class K
5-5 method K.foo
7-8 method K.m
10-10 class AB
10-10 method AB.q
11-11 interface I
11-11 method I.m
12-12 constant FOO
12-12 function f
12-12 function f.g
14-14 module N
14-14 function N.q
15-15 enum E
16-16 type T
18-18 function amb""",
        imports=["./x", "./p"],
        signatures={
            "K": "export default class K<T> extends ns.B<T> implements I<T>, J",
            "K.foo": "foo = ()",
            "K.m": "m(a: number): void",
            "AB": "export abstract class AB",
            "AB.q": "abstract q(): void",
            "I": "interface I extends X<Y>, Z",
        },
        bases={"K": ("ns.B", "I", "J"), "I": ("X", "Z")},
        docs={"K": ("A doc.", (2, 2)), "K.m": ("Sends.", (6, 6))},
    ),
    Sample(
        "ruby",
        """require "a"
require_relative 'b'
# d
class A::B < C::D
  include E
  extend F::G
  MAX = 1
  attr_reader :x
  def self.f(a) = 1
  # doc g
  def g?(x, y: 1); end
  class << self
    def h; end
  end
end
""",
        """4-15 class A.B
7-7 constant A.B.MAX
9-9 method A.B.f
11-11 method A.B.g?
13-13 method A.B.h""",
        imports=["a", "b"],
        signatures={
            "A.B": "class A::B < C::D",
            "A.B.MAX": "MAX = 1",
            "A.B.f": "def self.f(a)",
            "A.B.g?": "def g?(x, y: 1)",
            "A.B.h": "def h",
        },
        bases={"A.B": ("C::D", "E", "F::G")},
        docs={"A.B": ("d", (3, 3)), "A.B.g?": ("doc g", (10, 10))},
    ),
    Sample(
        "php",
        """<?php
namespace App\\Models;
use Foo\\Bar;
use Foo\\{A, B as C};
use function X\\y;
require_once __DIR__ . '/a.php';
require 'b.php';
/** Doc */
#[Attr]
abstract class User extends Base implements I, \\J\\K {
  use T1;
  const MAX = 1;
  /** m */
  #[Foo]
  public function name(int $a): string { return ''; }
  abstract function q();
}
enum E: string implements I { case A = 'a'; }
function f() {}
const Q = 1;
""",
        """9-17 class User
12-12 constant User.MAX
14-15 method User.name
16-16 method User.q
18-18 enum E
19-19 function f
20-20 constant Q""",
        imports=["Foo\\Bar", "Foo\\A", "Foo\\B", "X\\y", "a.php", "b.php"],
        signatures={
            "User": "abstract class User extends Base implements I, \\J\\K",
            "User.MAX": "const MAX = 1",
            "User.name": "public function name(int $a): string",
            "User.q": "abstract function q()",
            "E": "enum E: string implements I",
            "f": "function f()",
        },
        bases={"User": ("Base", "I", "J\\K", "T1"), "E": ("I",)},
        docs={"User": ("Doc", (8, 8)), "User.name": ("m", (13, 13))},
    ),
    Sample(
        "shell",
        """#!/bin/bash
# Deploys the thing.

source ./lib.sh
. "$DIR/x.sh"
# doc
# more
foo() {
  echo
}
function bar { echo; }
readonly MAX=1
export PATH_X=1
""",
        """8-10 function foo
11-11 function bar
12-12 constant MAX
13-13 constant PATH_X""",
        imports=["./lib.sh", "x.sh"],
        signatures={
            "foo": "foo()",
            "bar": "function bar",
            "MAX": "readonly MAX=1",
            "PATH_X": "export PATH_X=1",
        },
        docs={"foo": ("doc\nmore", (6, 7))},
        docstring="Deploys the thing.",
    ),
    Sample(
        "sql",
        """-- Users of the shop.
-- Two lines.
CREATE TABLE IF NOT EXISTS shop.users (
  id int PRIMARY KEY, -- a ; b
  name text DEFAULT 'x;y'
);

/* v */
create or replace view "v x" as select 1;
CREATE OR REPLACE FUNCTION f(a int) RETURNS int AS $$
BEGIN
  SELECT 1; -- CREATE TABLE nope (
END;
$$ LANGUAGE plpgsql;
CREATE PROCEDURE `p`(IN a INT)
BEGIN
  SELECT 1;
  SELECT 2;
END //
CREATE TYPE mood AS ENUM ('a');
""",
        """3-6 table shop.users
9-9 view v x
10-14 function f
15-19 function p
20-20 type mood""",
        signatures={
            "shop.users": "CREATE TABLE IF NOT EXISTS shop.users",
            "v x": 'create or replace view "v x"',
            "f": "CREATE OR REPLACE FUNCTION f(a int) RETURNS int",
            "p": "CREATE PROCEDURE `p`(IN a INT)",
            "mood": "CREATE TYPE mood",
        },
        docs={"shop.users": ("Users of the shop.\nTwo lines.", (1, 2)), "v x": ("v", (8, 8))},
    ),
    Sample(
        "yaml",
        """# Chart of x.
apiVersion: apps/v1
kind: Deployment
metadata:
  labels: {a: b}
  name: web  # the web
spec:
  x: 1
---
apiVersion: v1
kind: Service
metadata: {name: "svc"}
---
# compose
services:
  # web doc
  web:
    image: x
  db:
    image: y

volumes: {}
"on":
  push: x
""",
        """2-8 section Deployment/web
10-12 section Service/svc
15-20 section services
17-18 section services.web
19-20 section services.db
22-22 section volumes
23-24 section on""",
        docs={
            "Deployment/web": ("Chart of x.", (1, 1)),
            "services": ("compose", (14, 14)),
            "services.web": ("web doc", (16, 16)),
        },
    ),
    Sample(
        "markdown",
        """# The [tool](x.html)

See [guide](docs/guide.md#top) and [web](https://example.org).

## Install `it`

```sh
# no heading
```

Set up
------
### Deep ##
# Next
""",
        """1-13 section The tool
5-10 section The tool > Install it
11-13 section The tool > Set up
13-13 section The tool > Set up > Deep
14-14 section Next""",
        imports=["docs/guide.md"],
    ),
)
