import Commands

await ModeletCommand.runAndExit()
