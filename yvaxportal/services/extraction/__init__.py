"""Lists of targets (対象者の抽出) as an exclusion funnel: a base cohort, then rules one after another.

``criteria`` what is asked, ``cohort`` who comes into question and what is known of them, ``rules`` the order,
``deciding`` the questions to the engine, ``funnel`` the run, ``saving`` the frozen list, ``changing`` what is
done by hand, ``lists``, ``members``, ``comparing``, ``figures`` and ``history`` reading it back.
"""
