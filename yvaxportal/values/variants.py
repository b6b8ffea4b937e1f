"""Kanji that search takes for one another (異体字): the old, common and printers' forms seen in names.

A hand-made table, not the state's degradation map. The first of a group is the form it is folded to. Forms
that differ only by a variation selector, and compatibility ideographs (神 U+FA19, 塚 U+FA10), are folded by
rule in ``kana`` and need no entry. Kanji that merely sound or look alike (坂 阪, 畑 畠) are not variants.
"""

_TABLE = """
辺邉邊 斎齋斉齊 高髙 崎﨑嵜 浜濱濵 徳德悳 桑桒 吉𠮷 柳栁桺 館舘 恵惠 広廣 国國圀 沢澤 島嶋嶌 真眞 寿壽
条條 竜龍 滝瀧 桜櫻 栄榮 円圓 塩鹽 応應 奥奧 横橫 温溫 仮假 価價 会會 絵繪 拡擴 学學斈 岳嶽 楽樂 関關
観觀 巌巖 気氣 亀龜 帰歸 旧舊 挙擧 郷鄕 尭堯 暁曉 勲勳 薫薰 群羣 渓溪 経經 蛍螢 芸藝 県縣 剣劍劒 権權
顕顯 検檢 険險 験驗 厳嚴 黄黃 黒黑 済濟 蚕蠶 参參 賛贊 静靜 児兒 実實 釈釋 収收 従從 渋澁澀 叙敍 将將
証證 乗乘 浄淨 縄繩 譲讓 醸釀 慎愼 晋晉 尽盡 図圖 穂穗 瀬瀨 摂攝 専專 浅淺 銭錢 禅禪 双雙 壮壯 荘莊 総總
聡聰 蔵藏 増增 続續 対對 体體躰 台臺 団團 昼晝 庁廳 聴聽 鎮鎭 槙槇 鉄鐵鐡 点點 転轉 伝傳 灯燈 当當 党黨
稲稻 独獨 読讀 富冨 弥彌 亘亙 峰峯 柏栢 桧檜 梅楳 野埜 松枩 船舩 鉱鑛 秋龝穐 曽曾 祢禰 隣鄰 鶏鷄雞 麦麥
発發 豊豐 宝寶 来來 頼賴 万萬 満滿 黙默 与與 誉譽 予豫 遥遙 瑶瑤 礼禮 励勵 霊靈 恋戀 炉爐 労勞 楼樓 禄祿
録錄 穣穰 悦悅 鋭銳 緑綠 清淸 青靑 昂昻 萌萠 凛凜 莱萊 篭籠 蛎蠣 涛濤 迩邇 侭儘 壷壺 薮藪 砺礪 鴬鶯 竃竈
諌諫 讃讚 鴎鷗 麹麴 祷禱 鶴靍靏 寛寬 喜㐂憙 宮宫 土圡 橋𣘺槗 間閒 芦蘆 毎每 郎郞 淵渕渊 錬鍊 鎌鐮 栃杤
峡峽 狭狹 挟挾 尚尙 兎兔 戸戶 虎乕 姫姬 教敎 研硏 顔顏 産產 彦彥 既旣 即卽 冴冱 況况 涼凉 沖冲 決决 秘祕
並竝 隠隱 穏穩 称稱 穎頴 衛衞 営營 駅驛 駆驅 舗舖 園薗 桝枡 壱壹 弐貳 仏佛 侠俠 両兩 写寫 勧勸 医醫 区區
畳疊 号號 囲圍 売賣 変變 届屆 属屬 巣巢 帯帶 径徑 恒恆 担擔 拝拜 揺搖 数數 暦曆 歴歷 枢樞 様樣 欧歐 歓歡
歳歲 湾灣 潜潛 為爲 状狀 画畫 窓窗 粋粹 糸絲 縁緣 繊纖 声聲 蒋蔣 虫蟲 覚覺 覧覽 触觸 訳譯 軽輕 辞辭 鋳鑄
処處 朗朖 杯盃 杉杦 翠翆 縦縱 余餘 昇曻 煕熙 晃晄 迪廸 廼迺 裏裡 雁鴈 頬頰
"""

GROUPS = tuple(_TABLE.split())
