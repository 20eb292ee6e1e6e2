"""A small source in each compiled language, and what is to be found in it."""

from __future__ import annotations

from tests.agent.sample import Sample

COMPILED = (
    Sample(
        "go",
        """// Package m does.
package m

import (
	"fmt"
	x "a/b"
)

// S d
type (
 // S2 doc
 S struct { Base; *pkg.Other; x int }
 I interface { J; M(int) error }
)
type L []int
type F = G
type Gen[T any] struct { List[T] }
const A, B = 1, 2
const (
 C = 1
 // D d
 D = 2
)
var V = 1
func (g *Gen[T]) M() {}
""",
        """12-12 struct S
13-13 interface I
13-13 method I.M
15-15 type L
16-16 type F
17-17 struct Gen
18-18 constant A
20-20 constant C
22-22 constant D
24-24 constant V
25-25 method Gen.M""",
        imports=["fmt", "a/b"],
        signatures={
            "S": "type S struct",
            "I": "type I interface",
            "I.M": "M(int) error",
            "L": "type L []int",
            "F": "type F = G",
            "Gen": "type Gen[T any] struct",
        },
        bases={"S": ("Base", "pkg.Other"), "I": ("J",), "Gen": ("List",)},
        docs={"S": ("S2 doc", (11, 11)), "D": ("D d", (21, 21))},
        docstring="Package m does.",
    ),
    Sample(
        "java",
        """package a.b;
import static c.D.e;
import c.*;
/** d */
@Ann(x = 1)
public final class A<T> extends B<T> implements C<T>, D {
  public static final int MAX = 1;
  @Override
  @Foo public int f(@P int a) { new Object() { int q() { return 1; } }; return 1; }
  A() {}
  enum E implements I { X; void z() {} }
  record R(int a) implements S { R { } }
  interface J extends K, L {}
}
""",
        """5-14 class A
7-7 constant A.MAX
8-9 method A.f
9-9 method A.f.q
10-10 method A.A
11-11 enum A.E
11-11 method A.E.z
12-12 class A.R
12-12 method A.R.R
13-13 interface A.J""",
        imports=["c.D.e", "c.*"],
        signatures={
            "A": "public final class A<T> extends B<T> implements C<T>, D",
            "A.MAX": "public static final int MAX = 1",
            "A.f": "public int f(@P int a)",
            "A.f.q": "int q()",
            "A.A": "A()",
            "A.E": "enum E implements I",
        },
        bases={"A": ("B", "C", "D"), "A.E": ("I",), "A.R": ("S",), "A.J": ("K", "L")},
        docs={"A": ("d", (4, 4))},
    ),
    Sample(
        "rust",
        """//! Crate doc.
use a::{b, c};
/// D
#[derive(Debug)]
pub struct P<T> { x: T }
impl<T> fmt::Display for P<T> {
    /// m
    #[inline]
    fn fmt(&self) {}
    const A: i32 = 1; }
impl<'a> Foo for &'a mut dyn Bar { fn q() {} }
trait Q: R + Send { fn z(&self); }
pub const X: i32 = 1;
mod m { fn i() {} }
impl P<u8> { pub async fn w<T: X>(a: T) -> Result<(), E> where T: Y { } }
macro_rules! foo {
    () => {}
}
""",
        """4-5 struct P
8-9 method P.fmt
10-10 constant P.A
11-11 method Bar.q
12-12 trait Q
12-12 method Q.z
13-13 constant X
14-14 module m
14-14 function m.i
15-15 method P.w
16-18 macro foo""",
        imports=["a::{b, c}"],
        signatures={
            "P": "pub struct P<T>",
            "P.fmt": "fn fmt(&self)",
            "P.A": "const A: i32 = 1",
            "Bar.q": "fn q()",
            "Q": "trait Q: R + Send",
            "Q.z": "fn z(&self)",
        },
        bases={"P": ("fmt::Display",), "Q": ("R", "Send")},
        docs={"P": ("D", (3, 3)), "P.fmt": ("m", (7, 7))},
        docstring="Crate doc.",
    ),
    Sample(
        "c",
        """#include <stdio.h>
#include "b.h"
/* A buffer. */
typedef struct buf { int size; } buf;
enum mode { R, W };
#define MAX 10
#define SQ(x) ((x) * (x))
/** Opens. */
int *buf_open(const char *path,
              int mode);
// Reads.
static int
buf_read(buf *b)
{ return 0; }
""",
        """4-4 struct buf
5-5 enum mode
6-6 constant MAX
7-7 macro SQ
9-10 declaration buf_open
12-14 function buf_read""",
        imports=["stdio.h", "b.h"],
        signatures={
            "buf": "typedef struct buf buf",
            "mode": "enum mode",
            "MAX": "#define MAX 10",
            "SQ": "#define SQ(x) ((x) * (x))",
            "buf_open": "int *buf_open(const char *path, int mode)",
            "buf_read": "static int buf_read(buf *b)",
        },
        docs={"buf": ("A buffer.", (3, 3)), "buf_open": ("Opens.", (8, 8)), "buf_read": ("Reads.", (11, 11))},
    ),
    Sample(
        "cpp",
        """#include <a.h>
#include "b/c.hpp"
/** d */
template <class T>
class K : public virtual n::B<T>, C { public: int f() const { return 1; }
 /// Makes one.
 K();
 ~K() {} static int g(int); int x; int (*cb)(int); bool operator==(const K&) const;
 operator bool() const { return 1; } int* ptr(); };
typedef struct foo { int a; } foo_t;
typedef int (*cb)(int);
typedef struct { int a; } anon;
typedef struct bar { int a; } bar;
int *proto(int);
template <> int n::K<int>::z<T>() { int *q(int); return 1; }
enum class E : int { A };
#define MAX 1
#define SQ(x) \\
  x
namespace a::b { struct S; void fn(); }
using V = int;
extern "C" { void ec(void) {} }
K& operator<<(K& a, int b) { return a; }
""",
        """4-9 class K
5-5 method K.f
7-7 declaration K.K
8-8 method K.~K
8-8 declaration K.g
8-8 declaration K.operator==
9-9 method K.operator bool
9-9 declaration K.ptr
10-10 struct foo_t
10-10 struct foo
11-11 type cb
12-12 struct anon
13-13 struct bar
14-14 declaration proto
15-15 method n.K.z
16-16 enum E
17-17 constant MAX
18-19 macro SQ
20-20 declaration a.b.fn
21-21 type V
22-22 function ec
23-23 function operator<<""",
        imports=["a.h", "b/c.hpp"],
        signatures={
            "K": "template <class T> class K : public virtual n::B<T>, C",
            "K.f": "int f() const",
            "K.K": "K()",
            "K.~K": "~K()",
            "K.g": "static int g(int)",
            "K.operator==": "bool operator==(const K&) const",
        },
        bases={"K": ("n::B", "C")},
        docs={"K": ("d", (3, 3)), "K.K": ("Makes one.", (6, 6))},
    ),
    Sample(
        "csharp",
        """using System;
using static System.Math;
using X = A.B;
namespace Acme.Shop {
/// <summary>Doc</summary>
[Serializable]
public class Cart<T> : Base<T>, IFoo where T : class {
  const int MAX = 3, MIN = 2;
  public static readonly string Name = "x";
  readonly int z;
  [Obsolete] public int Total { get; set; }
  public int Count => 3;
  public Cart(int a) : base(a) { }
  /// doc
  public async Task<int> AddAsync(string s) { int Local() => 1; return 1; }
  int IFoo.Bar() => 2;
  delegate void D(int x);
  enum K { A, B }
}
record P(int X) : Q(1);
interface IFoo { int Bar(); }
}
""",
        """6-19 class Cart
8-8 constant Cart.MAX
8-8 constant Cart.MIN
9-9 constant Cart.Name
11-11 property Cart.Total
12-12 property Cart.Count
13-13 method Cart.Cart
15-15 method Cart.AddAsync
15-15 function Cart.AddAsync.Local
16-16 method Cart.Bar
17-17 type Cart.D
18-18 enum Cart.K
20-20 class P
21-21 interface IFoo
21-21 method IFoo.Bar""",
        imports=["System", "System.Math", "A.B"],
        signatures={
            "Cart": "public class Cart<T> : Base<T>, IFoo where T : class",
            "Cart.MAX": "const int MAX = 3, MIN = 2",
            "Cart.MIN": "MIN = 2",
            "Cart.Name": 'public static readonly string Name = "x"',
            "Cart.Total": "public int Total",
            "Cart.Count": "public int Count",
        },
        bases={"Cart": ("Base", "IFoo"), "P": ("Q",)},
        docs={"Cart": ("<summary>Doc</summary>", (5, 5)), "Cart.AddAsync": ("doc", (14, 14))},
    ),
    Sample(
        "kotlin",
        """package com.x

import com.y.Z
import com.y.foo as bar

/** Doc. */
@Foo
data class A<T>(val x: Int) : B<T>(x), C {
    companion object {
        const val M = 1
        fun make() = A(1)
    }

    override fun f(a: Int): Int {
        return 1
    }
}

interface I {
    fun h()
}

fun <T> List<T>.second(): T = this[1]
typealias T2 = Map<String, Int>

object O : P() {
    fun g() {}
}
""",
        """7-17 class A
10-10 constant A.M
11-11 method A.make
14-16 method A.f
19-21 interface I
20-20 method I.h
23-23 method List.second
24-24 type T2
26-28 class O
27-27 method O.g""",
        imports=["com.y.Z", "com.y.foo"],
        signatures={
            "A": "data class A<T>(val x: Int) : B<T>(x), C",
            "A.M": "const val M = 1",
            "A.make": "fun make()",
            "A.f": "override fun f(a: Int): Int",
            "I": "interface I",
            "I.h": "fun h()",
        },
        bases={"A": ("B", "C"), "O": ("P",)},
        docs={"A": ("Doc.", (6, 6))},
    ),
)
