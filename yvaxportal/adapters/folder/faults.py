"""What can be wrong with a file or a line of it: codes for the other side, never a value."""

from typing import NamedTuple

from yvaxportal.adapters.errors import BadAnswerReason

REQUIRED = "E0001"
CHARACTERS = "E0002"
LENGTH = "E0003"
CONTRADICTION = "E0004"
UNDECODABLE = "E0005"
COLUMNS = "E0006"
LINE_OF_OTHER_MUNICIPALITY = "E0007"
TWICE = "E0008"
LINE_OUTDATED = "E0009"
LINE_OUT_OF_ORDER = "E0010"
PERSON_REFUSED = "E0011"

NAME = "F0101"
HEADER = "F0102"
HEADER_DIFFERS = "F0103"
NO_TRAILER = "F0104"
COUNT = "F0105"
TOTAL = "F0106"
TOO_LARGE = "F0107"
ENCODING = "F0108"
TOO_MANY_LINES = "F0109"
EMPTY = "F0110"
SHRUNK = "F0111"
UNUSABLE = "F0112"
OTHER_MUNICIPALITY = "F0201"
OUTDATED = "F0202"
FUTURE = "F0203"
DUPLICATE = "F0204"
UNSTEADY = "F0205"

UNKNOWN_ORDER = "F0301"
WITHDRAWN = "F0302"
ANSWERED_OTHERWISE = "F0303"
NOT_OF_PROTOCOL = "F0304"

#: In the words of a municipality's IT staff; the first four are the national wording.
TEXTS = {
    REQUIRED: "必須項目がありません。",
    CHARACTERS: "指定された文字・コード・日付ではありません。",
    LENGTH: "桁数が違います。",
    CONTRADICTION: "項目間の相関が正しくありません。",
    UNDECODABLE: "文字コードとして読めないバイトがあります。",
    COLUMNS: "項目数またはレコード長が違います。",
    LINE_OF_OTHER_MUNICIPALITY: "他の市区町村のデータです。",
    TWICE: "同じキーの行が複数あります。",
    LINE_OUTDATED: "受領済みのデータより古い履歴です。",
    LINE_OUT_OF_ORDER: "処理日時の順になっていません。",
    PERSON_REFUSED: "同じ人の他の行に誤りがあるため受け付けませんでした。",
    NAME: "ファイル名が規約と違います。",
    HEADER: "ヘッダーレコードがないか、読めません。",
    HEADER_DIFFERS: "ファイル名とヘッダーレコードの内容が一致しません。",
    NO_TRAILER: "トレーラーレコードがありません（ファイルが途中で切れています）。",
    COUNT: "件数がトレーラーレコードと一致しません。",
    TOTAL: "合計値がトレーラーレコードと一致しません。",
    TOO_LARGE: "ファイルまたは行が大きすぎます。",
    ENCODING: "ファイルの文字コードが違います。",
    TOO_MANY_LINES: "誤りのある行が多いため、ファイル全体を受け付けませんでした。",
    EMPTY: "空のファイルです。",
    SHRUNK: "全件ファイルの件数が、受領済みの件数に比べて少なすぎます。",
    UNUSABLE: "ファイルの値を処理できませんでした。",
    OTHER_MUNICIPALITY: "他の市区町村のファイルです。",
    OUTDATED: "受領済みのファイルより古いファイルです。",
    FUTURE: "基準日時が未来です。",
    DUPLICATE: "同じ内容のファイルを受領済みです。",
    UNSTEADY: "読み取り中にファイルが書き換えられました。",
    UNKNOWN_ORDER: "依頼していない回答です。",
    WITHDRAWN: "期限を過ぎて取り下げた依頼への回答です。",
    ANSWERED_OTHERWISE: "この依頼には内容の異なる回答を受領済みです。",
    NOT_OF_PROTOCOL: "回答の内容が規約と違います。",
}

_REASONS = {
    OTHER_MUNICIPALITY: BadAnswerReason.WRONG_MUNICIPALITY,
    OUTDATED: BadAnswerReason.OUTDATED,
    FUTURE: BadAnswerReason.OUTDATED,
    TOO_LARGE: BadAnswerReason.TOO_LARGE,
    NO_TRAILER: BadAnswerReason.INCOMPLETE,
    COUNT: BadAnswerReason.INCOMPLETE,
    TOTAL: BadAnswerReason.INCOMPLETE,
    EMPTY: BadAnswerReason.INCOMPLETE,
    SHRUNK: BadAnswerReason.INCOMPLETE,
    UNSTEADY: BadAnswerReason.INCOMPLETE,
}


class Fault(NamedTuple):
    """A line that is refused. ``line`` counts from 1, the header included; ``column`` may be empty."""

    line: int
    column: str
    code: str


class FileFaultError(Exception):
    """The whole file is refused."""

    def __init__(self, code: str, line: int = 0) -> None:
        super().__init__(code)
        self.code, self.line = code, line


def reason_of(code: str) -> BadAnswerReason:
    """Return what a refused file is as a bad answer."""
    return _REASONS.get(code, BadAnswerReason.MALFORMED)
