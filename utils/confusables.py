"""Lookalike characters: the skeleton of a text (UTS 39, section 4).

Texts with the same skeleton are hard to tell apart. The table is the part of confusables.txt of Unicode 15.0
that matters for user names: every letter and digit that a user name may hold alone (`utils.identifiers`) and
that looks like ASCII letters and digits. Copyright Unicode, Inc.; https://www.unicode.org/license.txt.
"""

import unicodedata

# What they look like, and the code points of the lookalikes. Hexadecimal, as some are written right to left.
_TABLE = """
2 01A7 14BF A644 A75A
3 01B7 021C 0417 04E0 A76A A7AB 16F3B
4 13CE
5 01BC
6 0431 13EE
7 104D2
8 0222 0223 09EA 0A6A
9 09ED 0A67 0B68 0D6D A76E
A 0391 0410 13AA 15C5 A4EE 16F40
a 0251 03B1 0430
AA A732
aa A733
AE 00C6 04D4
ae 00E6 04D5
AO A734
ao A735
AU A736
au A737
AV A738 A73A
av A739 A73B
AY A73C
ay A73D
B 0392 0412 13F4 15F7 A4D0 A7B4
b 0184 042C 13CF 1472 15AF
bl 042B
C 0421 13DF A4DA
c 0441 1D04 ABAF
D 13A0 15DE 15EA A4D3
d 0501 13E7 146F A4D2
dz 02A3
E 0395 0415 13AC 2D39 A4F0
e 0435 04BD AB32
F 03DC 15B4 A4DD A798
f 0584 1E9D A799 AB35
G 050C 13C0 13F3 A4D6
g 018D 0261 0581 1D83
H 0397 041D 13BB 157C A4E7
h 04BB 0570 13C2
i 0131 0269 026A 03B9 0456 04CF 13A5 A647 AB75
J 037F 0408 13AB 148D A4D9 A7B2
j 03F3 0458
K 039A 041A 13E6 A4D7
L 13DE 14AA A4E1 16F16
l 0031 0049 0196 01C0 0399 0406 04C0 05D5 05DF 0627 06F1 07CA 2D4F A4F2 16F28
ll 01C1 05F0
lO 042E
ls 02AA
lz 02AB
M 039C 03FA 041C 13B7 15F0 A4DF
N 039D A4E0
n 0578 057C
O 0030 039F 041E 0555 07C0 09E6 0B20 0B66 12D0 2D54 A4F3 104C2
o 03BF 03C3 043E 0585 05E1 0647 06BE 06C1 06D5 06F5 0966 0A66 0AE6 0BE6 0C66 0CE6 0D20 0D66 0E50 0ED0 101D
    1040 10FF 1D0F 1D11 AB3D 104EA
OE 0152
oe 0153
OO A698 A74E
oo A699 A74F
P 03A1 0420 13E2 146D A4D1
p 03C1 0440
Q 2D55
q 051B 0563 0566
R 01A6 13A1 13D2 1587 A4E3 104B4 16F35
r 0433 1D26 AB47 AB48 AB81
rn 006D
S 0405 054F 13D5 13DA A4E2 16F3A
s 01BD 0455 A731 ABAA
T 03A4 0422 13A2 A4D4 16F0A
T3 A728
tf A777
ts 02A6
U 054D 1200 144C A4F4 104CE 16F42
u 028B 03C5 057D 1D1C A79F AB4E AB52 104F6
ue 1D6B
uo AB63
V 0474 06F7 13D9 142F 2D38 A4E6 A6DF 16F08
v 03BD 0475 05D8 1D20 ABA9
W 051C 13B3 13D4 A4EA
w 026F 0461 051D 0561 1D21 AB83
X 03A7 0425 2D5D A4EB A7B3
x 0445 1541 157D
Y 03A5 0423 04AE 13A9 13BD A4EC 16F43
y 0263 028F 03B3 0443 04AF 10E7 1D8C 1EFF AB5A
Z 0396 13C3 A4DC
z 1D22 AB93
"""


def _lookalikes() -> dict[str, str]:
    found: dict[str, str] = {}
    shown = ""
    for line in _TABLE.strip().splitlines():
        first, *points = line.split()
        if line.startswith(" "):  # more of the line before
            points.insert(0, first)
        else:
            shown = first
        found |= {chr(int(point, 16)): shown for point in points}
    return found


_PROTOTYPES = str.maketrans(_lookalikes())


def skeleton(text: str) -> str:
    """Return the text with each lookalike replaced by what it looks like, in NFD. Case is kept."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).translate(_PROTOTYPES))
