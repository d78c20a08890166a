"""Word forms of Spanish and English: verbs, clitics on verbs, plurals, agreement and comparison.

Regular forms and spelling come by rule; what no rule gives stands in two tables in `data/grammar`
(`spanish_verbs.tsv`, `english_verbs.tsv`). Persons are numbered yo 0, tú 1, él 2, nosotros 3, vosotros 4, ellos 5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_ENDINGS: dict[str, dict[str, str]] = {
    "pres": {"a": "o as a amos áis an", "e": "o es e emos éis en", "i": "o es e imos ís en"},
    "pret": {"a": "é aste ó amos asteis aron", "e": "í iste ió imos isteis ieron"},
    "imp": {"a": "aba abas aba ábamos abais aban", "e": "ía ías ía íamos íais ían"},
    "fut": {"a": "é ás á emos éis án"},
    "cond": {"a": "ía ías ía íamos íais ían"},
    "subj": {"a": "e es e emos éis en", "e": "a as a amos áis an"},
}
_BOOT = (0, 1, 2, 5)  # the persons whose stem bears the stress
FINITE = ("pres", "pret", "imp", "fut", "cond", "subj", "isubj", "imper")
_ACUTE = dict(zip("aeiou", "áéíóú", strict=True))
_PLAIN = {accented: plain for plain, accented in _ACUTE.items()}
STEM_CHANGES = ("e>ie", "o>ue", "e>i", "u>ue", "i>í", "u>ú")


@dataclass(frozen=True)
class SpanishVerb:
    """A Spanish verb: its infinitive and what is irregular in it.

    Attributes:
        infinitive: without `se`.
        stem_change: one of `STEM_CHANGES`, or "".
        special: by tense, six forms, or one stem for `pret` (tuv), `fut` (tendr); `yo`, the first person of the
            present; `part`, `ger` and `tu` (the imperative), one form each.
    """

    infinitive: str
    stem_change: str = ""
    special: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The infinitive without its ending."""
        return self.infinitive[:-2]

    @property
    def vowel(self) -> str:
        """The vowel of the infinitive's ending: a, e or i."""
        return _PLAIN.get(self.infinitive[-2], self.infinitive[-2])

    def _changed(self, change: str) -> str:
        old, _, new = change.partition(">")
        place = self.stem.rfind(old)
        return self.stem[:place] + new + self.stem[place + 1 :]

    def _weak_stem(self) -> str:
        """Give the stem of durmió, durmiendo, durmamos."""
        if self.vowel == "i" and self.stem_change in ("e>ie", "e>i", "o>ue"):
            return self._changed("o>u" if self.stem_change == "o>ue" else "e>i")
        return self.stem

    def _in_vowel(self) -> bool:
        """Whether the stem ends in a sounded vowel, as in le-er and constru-ir."""
        return self.vowel != "a" and self.stem[-1] in "aeou" and self.stem[-2:] not in ("gu", "qu")

    def _join(self, stem: str, ending: str) -> str:
        """Put stem and ending together so that the sound stays: busc + é = busqué."""
        soft = _PLAIN.get(ending[0], ending[0]) in "ei"
        if self.vowel == "a" and soft:
            for old, new in (("gu", "gü"), ("c", "qu"), ("g", "gu"), ("z", "c")):
                if stem.endswith(old):
                    return stem[: -len(old)] + new + ending
        if self.vowel != "a" and not soft:
            if stem.endswith("c") and stem[-2] in "aeiou":
                return stem[:-1] + "zc" + ending
            for old, new in (("gu", "g"), ("qu", "c"), ("c", "z"), ("g", "j")):
                if stem.endswith(old):
                    return stem[: -len(old)] + new + ending
        if self._in_vowel() and stem == self.stem:
            if stem[-1] == "u" and ending not in ("imos", "ís", "í") and ending[0] != "i":
                return stem + "y" + ending  # construyo, but construimos
            if ending[0] == "i" and len(ending) > 1 and ending[1] in "óe":
                return stem + "y" + ending[1:]  # leyó, leyeron, leyendo
            if ending[0] == "i" and stem[-1] != "u":
                return stem + "í" + ending[1:]  # leíste, leído
        return stem + ending

    def form(self, tense: str, person: int) -> str:
        """Give a finite form.

        Args:
            tense: one of `FINITE`; `isubj` is the imperfect subjunctive in -ra, `imper` the affirmative
                imperative (for person 2 and 5 that of usted and ustedes).
            person: 0 to 5.

        Raises:
            ValueError: the tense is unknown, or an imperative of yo is asked for.

        Example:
            >>> SpanishVerb("buscar").form("pret", 0), SpanishVerb("dormir", "o>ue").form("pret", 2)
            ('busqué', 'durmió')
        """
        if tense == "isubj":
            base = self.form("pret", 5).removesuffix("ron")
            if person == 3:
                return base[:-1] + _ACUTE[base[-1]] + "ramos"
            return base + ("ra", "ras", "ra", "", "rais", "ran")[person]
        if tense == "imper":
            if person == 1:
                return self.special["tu"][0] if "tu" in self.special else self.form("pres", 2)
            if person == 4:
                return self.infinitive[:-1] + "d"
            if person == 0:
                raise ValueError("there is no imperative of yo")
            return self.form("subj", person)
        given = self.special.get("fut" if tense == "cond" else tense, ())
        if len(given) == 6:
            return given[person]
        if tense in ("fut", "cond"):
            plain = self.infinitive[:-2] + self.vowel + "r"
            return (given[0] if given else plain) + _ENDINGS[tense]["a"].split()[person]
        if tense == "pret" and given:
            ending = ("e", "iste", "o", "imos", "isteis", "ieron")[person]
            return given[0] + (ending[1:] if given[0][-1] == "j" and person == 5 else ending)
        if tense not in _ENDINGS:
            raise ValueError(f"{tense!r} is no tense; the tenses are {', '.join(FINITE)}")
        endings = _ENDINGS[tense]
        ending = endings.get(self.vowel, endings.get("e" if self.vowel == "i" else "a", "")).split()[person]
        if tense == "pres":
            if person == 0 and "yo" in self.special:
                return self.special["yo"][0]
            changed = self.stem_change and person in _BOOT
            return self._join(self._changed(self.stem_change) if changed else self.stem, ending)
        if tense == "subj":
            if "yo" in self.special and self.special["yo"][0].endswith("o"):
                return self.special["yo"][0][:-1] + ending
            if self.stem_change and person in _BOOT:
                return self._join(self._changed(self.stem_change), ending)
            return self._join(self._weak_stem(), ending)
        if tense == "pret" and person in (2, 5):
            return self._join(self._weak_stem(), ending)
        return self._join(self.stem, ending)

    @property
    def gerund(self) -> str:
        """The form in -ndo."""
        if "ger" in self.special:
            return self.special["ger"][0]
        return self._join(self._weak_stem(), "ando" if self.vowel == "a" else "iendo")

    @property
    def participle(self) -> str:
        """The masculine singular of the participle."""
        if "part" in self.special:
            return self.special["part"][0]
        return self._join(self.stem, "ado" if self.vowel == "a" else "ido")


def _nuclei(word: str) -> list[int]:
    """Find the place of the vowel that carries each syllable."""
    places: list[int] = []
    group: list[int] = []

    def close() -> None:
        strong = [i for i in group if word[i] in "aeoáéíóú"]
        places.extend(strong or group[-1:])
        group.clear()

    for i, letter in enumerate(word):
        silent = letter == "u" and word[i - 1 : i] in ("q", "g") and word[i + 1 : i + 2] in tuple("eiéí")
        if letter in "aeiouáéíóúü" and not silent:
            group.append(i)
        else:
            close()
    close()
    return places


def with_clitics(form: str, clitics: Sequence[str]) -> str:
    """Hang clitic pronouns on an infinitive, a gerund or an affirmative imperative.

    The accent comes where the written word would otherwise be stressed wrongly, and goes where it is no
    longer needed; the imperatives of nosotros and vosotros lose -s and -d before `nos` and `os`.

    Example:
        >>> with_clitics("da", ["me", "lo"]), with_clitics("diga", ["me"]), with_clitics("levantad", ["os"])
        ('dámelo', 'dígame', 'levantaos')
    """
    if not clitics:
        return form
    nuclei = _nuclei(form)
    accents = [i for i in nuclei if form[i] in _PLAIN]
    unmarked = nuclei[-2] if form[-1] in "aeiouns" and len(nuclei) > 1 else nuclei[-1]
    stressed = accents[0] if accents else unmarked
    hiatus = form[stressed] in "íú" and form[stressed - 1 : stressed] in tuple("aeo")
    base = form
    if clitics[0] == "os" and form.endswith("d") and form != "id":
        base = form[:-1]
        if base.endswith("i"):
            return base[:-1] + "í" + "".join(clitics)  # vestíos
    elif clitics[0] == "nos" and form.endswith("mos"):
        base = form[:-1]
    word = base + "".join(clitics)
    plain = _PLAIN.get(word[stressed], word[stressed])
    n_after = sum(i > stressed for i in _nuclei(word))
    vowel = _ACUTE[plain] if n_after >= 2 or hiatus else plain
    return word[:stressed] + vowel + word[stressed + 1 :]


def spanish_plural(word: str) -> str:
    """Form the plural of a noun or adjective: luz luces, canción canciones, lunes lunes, joven jóvenes."""
    ending = word[-1]
    if ending in "aeiouáéó":
        return word + "s"
    if ending == "z":
        return word[:-1] + "ces"
    if ending == "s" and word[-2] not in _PLAIN and len(_nuclei(word)) > 1:
        return word
    if ending in "ns" and word[-2] in _PLAIN:
        if len(_nuclei(word)) > 1 and word[-3] in "aeo" and word[-2] in "íú":
            return word + "es"  # país, países
        return word[:-2] + _PLAIN[word[-2]] + ending + "es"
    nuclei = _nuclei(word)
    if ending == "n" and len(nuclei) > 1 and not any(letter in _PLAIN for letter in word):
        stressed = nuclei[-2]  # joven, jóvenes
        return word[:stressed] + _ACUTE[word[stressed]] + word[stressed + 1 :] + "es"
    return word + "es"


def spanish_feminine(word: str) -> str:
    """Form the feminine of an adjective by rule: rojo roja, trabajador trabajadora, inglés inglesa, feliz feliz."""
    if word.endswith("o"):
        return word[:-1] + "a"
    for ending, feminine in (("dor", "dora"), ("és", "esa"), ("ón", "ona"), ("án", "ana"), ("ín", "ina")):
        if word.endswith(ending):
            return word.removesuffix(ending) + feminine
    return word


def english_plural(word: str) -> str:
    """Form the regular plural of the last word: box boxes, city cities, living room living rooms."""
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def _doubles(word: str) -> bool:
    """Whether a word of one syllable doubles its last letter: stop, big, but not play, fix, cook."""
    head, last = word[:-1], word[-1]
    return (
        last not in "aeiouwxyh"
        and head[-1:] in tuple("aeiou")
        and head[-2:-1] not in tuple("aeiou")
        and sum(letter in "aeiou" for letter in word) == 1
    ) or (word.startswith("qu") and len(word) == 4 and word[-1] in "tz")


def english_degrees(word: str) -> tuple[str, str]:
    """Compare an adjective of one syllable or in -y: big, bigger, biggest.

    Returns:
        Comparative and superlative.
    """
    if word.endswith("e"):
        return word + "r", word + "st"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ier", word[:-1] + "iest"
    stem = word + word[-1] if _doubles(word) else word
    return stem + "er", stem + "est"


@dataclass(frozen=True, slots=True)
class EnglishVerb:
    """The forms of an English verb.

    Example:
        >>> EnglishVerb.of("stop").past, EnglishVerb.of("carry").third, EnglishVerb.of("take", "took", "taken").ing
        ('stopped', 'carries', 'taking')
    """

    base: str
    third: str
    past: str
    participle: str
    ing: str

    @classmethod
    def of(cls, base: str, past: str = "", participle: str = "", ing: str = "") -> "EnglishVerb":
        """Form by rule what is not given."""
        doubled = base + base[-1] if _doubles(base) else base
        if base.endswith("e"):
            regular = base + "d"
        elif base.endswith("y") and base[-2] not in "aeiou":
            regular = base[:-1] + "ied"
        else:
            regular = doubled + "ed"
        if not ing:
            if base.endswith("ie"):
                ing = base[:-2] + "ying"
            elif base.endswith("e") and base != "be" and not base.endswith("ee"):
                ing = base[:-1] + "ing"
            else:
                ing = doubled + "ing"
        third = {"have": "has", "do": "does", "go": "goes", "be": "is"}.get(base) or english_plural(base)
        return cls(base, third, past or regular, participle or past or regular, ing)


_AN = ("hour", "honest", "heir", "honor")
_NOT_AN = ("uni", "use", "usu", "eu", "one", "once")


def takes_an(word: str) -> bool:
    """Say whether the word begins with a vowel sound, so that `an` stands before it."""
    word = word.lower()
    if word.startswith("unim") or word.startswith("unin"):
        return True
    return word.startswith(_AN) or (word[0] in "aeiou" and not word.startswith(_NOT_AN))
