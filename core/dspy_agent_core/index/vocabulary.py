"""What programmers write for what people say: abbreviations, and words that code uses for one another.

Each line is a group: a query with one of its words also looks for the others, with less weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dspy_agent_core.index.terms import stem

ABBREVIATION_WEIGHT: Final = 0.4
SYNONYM_WEIGHT: Final = 0.2

_ABBREVIATIONS: Final = """
abs absolute
ack acknowledge acknowledgement
addr address
alg algo algorithm
alloc allocate allocation
annot annotation annotate
arg argument args
arr array
assoc associate association
async asynchronous asynchronously
attr attribute attrs
auth authentication authenticate authorization authorize
avg average mean
bg background
bin binary
bool boolean
buf buffer
calc calculate calculation compute
cat category categorical
cb callback
cfg conf config configuration configure
char character
chk check
cls class
cmd command
cmp compare comparison
coef coefficient
col column
coll collection
concat concatenate concatenation
conn connection connect
const constant
conv convolution convolve
coord coordinate
corr correlation
cov covariance
ctrl control controller
ctx context
cur curr current
cwd directory
db database
decl declaration declare
def default definition
del delete
delim delimiter
dep dependency dependencies
deriv derivative
desc description describe
dest dst destination
dev device develop development
df dataframe
diag diagonal
dict dictionary mapping
diff difference
dim dimension
dir directory folder
dist distance distribution
div divide division
dl download
doc document documentation docs
dt datetime
dup dupe duplicate
elem elt element
enc encode encoding
dec decode decoding
env environ environment
eq equal equation
err error
esc escape
eval evaluate evaluation
evt event
ex exc exception
exec execute execution
exp exponential experiment expected
expr expression
ext extension external
fd descriptor
fg foreground
fig figure
fmt format
fn func function
freq frequency
gen generate generator generation
geom geometry
grad gradient
grp group
hdr header
hist history histogram
hyp hypothesis
id identifier identity
idx index indices
img image
impl implementation implement
inc increment
info information
init initialize initialise initialization
inst instance
int integer
inv inverse
ip address
iter iterate iterator iteration
lang language
lat latitude
len length
lhs left
lib library
lim limit
loc location locate
lon longitude
mat matrix
max maximum
mem memory
meta metadata
mgr manager
min minimum
misc miscellaneous
mod module modify
msg message
mul mult multiply multiplication
mut mutable
nav navigation
nb number notebook
neg negative
net network
norm normalize normalise normalization
num number numeric
obj object
obs observation
op operation operator
opt option optional optimize
ord order
orig original
org organization
param parameter params
pct percent percentage
perf performance
perm permission permutation
pkg package
plt plot
pos position positive
pred predict prediction predicate
pref preference prefer
prev previous
priv private
prob probability
proc process procedure processor
prod product production
prog program progress
prop property
proto protocol
ptr pointer
pub public publish
pwd password
qs queryset
rand random
rec record recursive
rect rectangle
ref reference
reg register registry regular
regex regexp
rel relative relation relationship
rem remove
repl replace replacement
repo repository
repr representation
req request require
res resp response result resource
ret return
rev reverse revision
rhs right
rng range random
sched schedule scheduler
sec second section
sel select selection
sep separate separator
seq sequence
sess session
sig signal signature
sqrt root
spec specification specify
src source
srv server service
std standard
stat statistics status
stmt statement
str string text
sub subtract substitute subscription
subcls subclass
sym symbol symbolic
sync synchronous synchronize
sys system
tbl table
temp tmp temporary
tok token tokenize
trans transaction transform translation transpose
ts timestamp
txt text
typ type
uid user
uniq unique
upd update
usr user
util utility
val value validate valid
var variable variance
vec vector
ver version
vert vertical vertex
horiz horizontal
vis visible visualize
vol volume
win window
wrt write
"""
_SYNONYMS: Final = """
add append insert
begin start
build create make construct
bounding bbox
check verify validate ensure
clean clear purge
close shutdown
copy clone duplicate
delete remove drop discard strip
directory folder path
display show render print
dump serialize save
end finish stop terminate
error exception failure
fetch get retrieve obtain return
find search lookup locate
function callable callback
handle process
invoke call run execute
join merge combine concatenate
kill terminate
length size count
list sequence array
load read parse
log logging
login signin
maximum largest
minimum smallest
modify update change edit set
move rename
open connect
parent ancestor superclass
child descendant
raise throw
register subscribe listen
reset restore
scale rescale
send emit dispatch publish
skip ignore
sort order
split partition
store save write
string text
test check
transform convert
wait sleep
"""


def _groups(text: str) -> Iterator[tuple[str, ...]]:
    for line in text.strip().splitlines():
        yield tuple(dict.fromkeys(stem(word) for word in line.split()))


def _table() -> dict[str, dict[str, float]]:
    table: dict[str, dict[str, float]] = {}
    for text, weight in ((_SYNONYMS, SYNONYM_WEIGHT), (_ABBREVIATIONS, ABBREVIATION_WEIGHT)):
        for group in _groups(text):
            for word in group:
                others = {other: weight for other in group if other != word}
                table.setdefault(word, {}).update(others)
    return table


RELATED: Final[dict[str, dict[str, float]]] = _table()
