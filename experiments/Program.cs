Console.WriteLine("rlleap"); return 0;
