"""An invented plan of any size: twenty tasks for each measure, all of one unit."""


def large(tasks: int) -> str:
    """The document, whose table is told once more in its prose."""
    lines = [
        "2024年示例市社会信用体系建设工作要点",
        "2024年工作坚持稳中求进,为高质量发展提供保障。",
        "一、服务中心工作",
    ]
    for first in range(1, tasks + 1, 20):
        told = "".join(f"推进第{number}项归集共享。" for number in _of(first, tasks))
        lines.append(f"{first // 20 + 1}.服务企业{first // 20 + 1}。{told}")
    lines += [lines[0] + "分工表", "工作任务 | 序号 | 工作内容 | 责任单位 |", "一、服务中心工作 | |||"]
    for first in range(1, tasks + 1, 20):
        for number in _of(first, tasks):
            head = f"({first // 20 + 1})服务企业{first // 20 + 1} | " if number == first else ""
            lines.append(f"{head}{number} | 推进第{number}项归集共享。 | 市公共信用中心牵头 |")
    return "\n".join(lines)


def _of(first: int, tasks: int) -> range:
    return range(first, min(first + 20, tasks + 1))
