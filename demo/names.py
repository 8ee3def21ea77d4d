"""Names that guests go by."""

from typing import Final

# fmt: off
FIRST: Final = (
    "Ana", "Bo", "Chen", "Dara", "Elif", "Finn", "Grace", "Hugo", "Ines", "Jakub", "Kofi", "Lena",
    "Mateo", "Nia", "Omar", "Pia", "Quinn", "Rosa", "Sami", "Tess", "Uma", "Vera", "Wen", "Xenia",
    "Yusuf", "Zoe",
)
LAST: Final = (
    "Adler", "Brandt", "Castro", "Diallo", "Eriksen", "Fuentes", "García", "Haas", "Ibarra",
    "Jansen", "Kowalski", "Lindqvist", "Müller", "Novák", "Okafor", "Petit", "Quist", "Romero",
    "Šimek", "Tanaka", "Urban", "Vidal", "Weiss", "Yilmaz", "Zhang",
)
# fmt: on
