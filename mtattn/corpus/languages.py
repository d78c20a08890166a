"""What a language looks like: its most frequent words, and the names that columns give it.

To add a language: put its ISO 639-1 code with 25 to 45 of its most frequent function words, lower
case, into `_FREQUENT_WORDS`, and its usual names into `LANGUAGE_NAMES`. Nothing else needs a change.
"""

import re
from collections import Counter
from collections.abc import Iterable

CARRIED_DIRECTION = "es-en"
"""The languages of the columns of the corpus that comes with the program, in their order."""

_FREQUENT_WORDS = {
    "es": (
        "a al como con cuando de del donde el ella en era es ese está esta este estoy fue ha hay he la las "
        "le lo los me mi más muy no nos para pero por qué que quién se ser si sin su te tiene tu un una "
        "usted y ya yo él"
    ),
    "en": (
        "a about an and are as at be but can did do does for from had has have he her his how i if in is "
        "it me my not of on or our she so that the their them they this to was we were what when where who "
        "will with would you your"
    ),
    "fr": (
        "au aux avec ce cette dans de des du elle en es est et il ils j je l la le les leur ma mais me moi "
        "mon ne nous on ou où par pas pour qu que qui quoi sa se ses son sont sur te tu un une vous à été "
        "être"
    ),
    "de": (
        "aber als am an auf auch aus bei bin das dass dem den der des die du ein eine einen er es für hat "
        "habe ich ihr im in ist ja kann mein mich mir mit nicht noch nur oder sein sich sie sind so und "
        "von war was wenn wie wir zu zum"
    ),
    "it": (
        "a al alla anche che chi ci come con cosa da dal dei del della di dove e ed era gli ha hai ho i il "
        "in io la le lei lo loro lui ma mi mia mio nel nella no noi non per più quando questa questo se "
        "si sono sta su ti tu un una è"
    ),
    "pt": (
        "a ao aos as com como da das de do dos e ela ele eles em entre era essa esse esta eu foi há isso já "
        "lhe mais mas me meu minha muito na nas não no nos nós o os ou para pela pelo por que quem se sem "
        "seu sua são também tem um uma você é"
    ),
}

FUNCTION_WORDS: dict[str, frozenset[str]] = {code: frozenset(words.split()) for code, words in _FREQUENT_WORDS.items()}

LANGUAGE_NAMES: dict[str, frozenset[str]] = {
    "es": frozenset({"es", "spa", "spanish", "español", "espanol", "castellano"}),
    "en": frozenset({"en", "eng", "english", "inglés", "ingles"}),
    "fr": frozenset({"fr", "fra", "fre", "french", "français", "francais"}),
    "de": frozenset({"de", "deu", "ger", "german", "deutsch"}),
    "it": frozenset({"it", "ita", "italian", "italiano"}),
    "pt": frozenset({"pt", "por", "portuguese", "português", "portugues"}),
}

# Fewer hits, a smaller share of the words or a smaller lead than these happen by chance.
_LEAST_HITS = 4
_LEAST_SHARE = 0.12
_LEAST_LEAD = 1.25

_LETTERS = re.compile(r"[^\W\d_]+")


def guess_language(sentences: Iterable[str]) -> str | None:
    """Guess the language of sentences from the share of very frequent function words.

    Args:
        sentences: in one language; a few dozen are enough, three or four may be.

    Returns:
        A code of `FUNCTION_WORDS`, or None where no language stands out.

    Example:
        >>> guess_language(["The dog is in the house.", "What do you want to do?"])
        'en'
        >>> guess_language(["Tom!"]) is None
        True
    """
    words = Counter(word for sentence in sentences for word in _LETTERS.findall(sentence.casefold()))
    hits = Counter({code: sum(words[word] for word in table) for code, table in FUNCTION_WORDS.items()})
    (best, n_best), (_, n_second) = hits.most_common(2)
    sure = n_best >= max(_LEAST_HITS, _LEAST_SHARE * words.total(), _LEAST_LEAD * n_second)
    return best if sure else None


def is_name_of(name: str, language: str) -> bool:
    """Say whether a column's whole name names a language: its code or one of its usual names.

    Args:
        name: a column name, a key or a file ending.
        language: an ISO 639 code, whether in the tables here or not.
    """
    return name.strip().casefold() in {language} | LANGUAGE_NAMES.get(language, frozenset())
