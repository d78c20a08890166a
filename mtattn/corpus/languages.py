"""What a language looks like: its most frequent words, and the names that columns give it.

To add a language: put its ISO 639-1 code with 25 to 45 of its most frequent function words, lower
case, into `_FREQUENT_WORDS`, and its usual names into `LANGUAGE_NAMES`. Nothing else needs a change; where it
opens questions or exclamations with marks of their own, `INVERTED_MARKS` says so.
"""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache

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

INVERTED_MARKS: dict[str, dict[str, str]] = {"es": {"?": "¿", "!": "¡"}}
"""For each language that has them: the mark that opens what each closing mark ends."""

# Fewer hits, a smaller share of the words or a smaller lead than these happen by chance.
_LEAST_HITS = 4
_LEAST_SHARE = 0.12
_LEAST_LEAD = 1.25

# The same for a single sentence, whose language is in question: no false alarm in 142,000 pairs but for one in a
# related language.
_LEAST_FOREIGN_HITS = 3
_LEAST_FOREIGN_SHARE = 0.25
_LEAST_FOREIGN_LEAD = 4

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


def language_evidence(sentence: str, language: str, against: str) -> int:
    """Weigh one of two languages against the other, by the frequent words that only one of them has.

    Returns:
        Different words of `language` less those of `against`; 0 where one of the two is not known.

    Example:
        >>> language_evidence("The dog is in la casa.", "en", against="es")
        2
    """
    words = set(_LETTERS.findall(sentence.casefold()))
    return len(words & _words_of_one(language, against)) - len(words & _words_of_one(against, language))


def foreign_language(sentence: str, language: str) -> str | None:
    """Say in which other known language a sentence is, where that is beyond doubt.

    Args:
        sentence: a short one is never sure enough.
        language: the one that it should be in; where that is not known, its relatives could be taken for it, and
            nothing is said.

    Example:
        >>> foreign_language("What do you want to do with this?", "es")
        'en'
    """
    words = set(_LETTERS.findall(sentence.casefold()))
    found = {}
    for other in FUNCTION_WORDS:
        n_other = len(words & _words_of_one(other, language))
        if n_other >= max(_LEAST_FOREIGN_HITS, _LEAST_FOREIGN_SHARE * len(words)):
            n_expected = len(words & _words_of_one(language, other))
            if n_other >= _LEAST_FOREIGN_LEAD * n_expected:
                found[other] = n_other
    return max(found, key=found.__getitem__, default=None)


@cache
def _words_of_one(language: str, other: str) -> frozenset[str]:
    """Take the frequent words of one of two languages that the other has not; none where one of them is unknown."""
    known = language in FUNCTION_WORDS and other in FUNCTION_WORDS
    return FUNCTION_WORDS[language] - FUNCTION_WORDS[other] if known else frozenset()


def is_name_of(name: str, language: str) -> bool:
    """Say whether a column's whole name names a language: its code or one of its usual names.

    Args:
        name: a column name, a key or a file ending.
        language: an ISO 639 code, whether in the tables here or not.
    """
    return name.strip().casefold() in {language} | LANGUAGE_NAMES.get(language, frozenset())
